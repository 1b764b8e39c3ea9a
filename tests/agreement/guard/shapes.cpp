#include <stdexcept>
#include <vector>

namespace shapes {

int sum(const std::vector<int> &values) {
  int total = 0;
  for (auto value : values)
    if (value > 0 && value < 100)
      total += value;
  return total;
}

class Box {
 public:
  explicit Box(int side) : side_(side) {
    if (side < 0) throw std::invalid_argument("side");
  }

  int area() const { return side_ > 0 ? side_ * side_ : 0; }

 private:
  int side_;
};

int careful(int a) {
  try {
    return Box(a).area();
  } catch (const std::invalid_argument &) {
    return -1;
  } catch (...) {
    return a || a > 3;
  }
}

}  // namespace shapes
