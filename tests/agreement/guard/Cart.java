package shop;

import java.util.List;

class Cart {
  private final List<Item> items;

  Cart(List<Item> items) {
    this.items = items;
  }

  int total(boolean rounded) {
    int total = 0;
    for (Item item : items) {
      if (item.price > 0 && !item.free || item.forced) {
        total += item.price;
      } else if (item.price < 0) {
        continue;
      }
    }
    return rounded ? total / 10 * 10 : total;
  }

  String kind(int code) {
    switch (code) {
      case 1:
        return "book";
      case 2:
      case 3:
        return "toy";
      default:
        return "other";
    }
  }

  void pay(Account account) {
    while (account.open()) {
      try {
        account.take(total(true));
      } catch (IllegalStateException reason) {
        do {
          account.wait(reason);
        } while (account.busy());
      }
    }
  }
}
