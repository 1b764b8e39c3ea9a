#import <Foundation/Foundation.h>
#import "Cart.h"

static int weight(int count, const char *unit)
{
    return count > 0 && unit != NULL ? count * 2 : 0;
}

@implementation Cart

- (NSInteger)total:(NSArray<Item *> *)items with:(Coupon *)coupon
{
    NSInteger sum = 0;
    for (Item *item in items) {
        if (item.price < 0 || item.count == 0) {
            continue;
        } else if (item.free) {
            sum += 0;
        } else {
            sum += item.price * item.count;
        }
    }
    return coupon ? sum - coupon.value : sum;
}

- (NSString *)kind:(int)code
{
    switch (code) {
        case 1:
            return @"small";
        case 2:
        case 3:
            return @"large";
        default:
            return self.name ?: @"none";
    }
}

+ (BOOL)pay:(Account *)account
{
    @try {
        [account pay];
    } @catch (NSException *reason) {
        return NO;
    } @finally {
        [account close];
    }
    [account.items enumerateObjectsUsingBlock:^(Item *item, NSUInteger at, BOOL *stop) {
        if (item.last) {
            *stop = YES;
        }
    }];
#if DEBUG
    while ([account next]) {
        NSLog(@"%@", account);
    }
#endif
    return YES;
}

@end
