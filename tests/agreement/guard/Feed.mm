#import <Foundation/Foundation.h>
#include <string>
#include <vector>

namespace feed {

static int rank(const std::string &name, int base)
{
    if (name.empty() || base < 0) {
        return -1;
    }
    return name == "first" ? base : base + 1;
}

}

@implementation Feed

- (NSUInteger)add:(NSArray<NSString *> *)names
{
    std::vector<int> ranks;
    for (NSString *name in names) {
        int rank = feed::rank([name UTF8String], 0);
        if (rank < 0 && self.strict) {
            continue;
        }
        ranks.push_back(rank);
    }
    while (ranks.size() > 100) {
        ranks.pop_back();
    }
    return ranks.size();
}

- (NSString *)kind:(int)code
{
    switch (code) {
        case 1:
            return @"one";
        default:
            return @(std::to_string(code).c_str());
    }
}

@end
