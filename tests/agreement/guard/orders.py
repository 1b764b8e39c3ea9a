def price(order, rates, default=0):
    total = sum(item.price for item in order.items if item.price)
    for rate in rates:
        if (rate.applies(order) and rate.until > order.date) or rate.always:
            total -= rate.amount
        elif rate.amount < 0:
            continue
        else:
            total -= default
    return total if total > 0 else 0


def retry(action, times):
    while times:
        try:
            return action()
        except OSError as reason:
            if not reason.errno:
                raise
        finally:
            times -= 1
    return None


class Ledger:
    def find(self, name):
        for entry in self.entries:
            if entry.name == name:
                return entry
        else:
            return None

    def sums(self, entries):
        assert entries
        return {entry.name: entry.sum for entry in entries if entry.sum > 0}


def deep(boxes):
    for box in boxes:
        while box:
            if box.open and box.full:
                return box
            box = box.inner
    return None


def plain(a, b):
    return a + b
