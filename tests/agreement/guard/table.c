#include <stddef.h>

struct entry { const char *key; int value; };

int find(const struct entry *table, size_t count, int value)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].key != NULL && (table[i].value == value || value < 0))
            return (int) i;
        else if (table[i].key == NULL)
            break;
    }
    return -1;
}

static int kind(int c)
{
#ifdef WIDE
    if (c > 255)
        return 3;
#endif
    switch (c) {
    case ' ':
    case '\t':
        return 0;
    case '0':
        return 1;
    default:
        return c > 64 ? 2 : 4;
    }
}

void fill(int *a, int n)
{
    int i = 0;
    do {
        while (n > 0)
            n--;
    } while (++i < 3);
}
