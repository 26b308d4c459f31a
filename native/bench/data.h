// Inputs from a seed: the same on every machine.
#ifndef RETINANET_OPS_BENCH_DATA_H
#define RETINANET_OPS_BENCH_DATA_H

#include <cmath>
#include <cstdint>
#include <vector>

#include "../backend/backend.h"
#include "../math/box.h"

namespace rn::bench {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2 + 1) {}
  double Uniform(double low, double high) {  // xorshift64*
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return low + (high - low) * static_cast<double>((state_ * 0x2545F4914F6CDD1Du) >> 11) * 0x1p-53;
  }
  int32_t Integer(int32_t low, int32_t high) { return static_cast<int32_t>(std::floor(Uniform(low, high))); }

 private:
  uint64_t state_;
};

inline std::vector<Box> RandomBoxes(Random& next, int64_t count, double height, double width, double smallest,
                                    double largest) {
  std::vector<Box> boxes;
  for (int64_t i = 0; i < count; ++i) {
    const double w = next.Uniform(smallest, largest), h = next.Uniform(smallest, largest);
    const double x = next.Uniform(0, width - w), y = next.Uniform(0, height - h);
    boxes.push_back(
        {static_cast<float>(x), static_cast<float>(y), static_cast<float>(x + w), static_cast<float>(y + h)});
  }
  return boxes;
}

// The anchors of RetinaNet: strides 8 to 128, bases of 4 strides, three scales, three ratios.
class Grid {
 public:
  static constexpr int64_t kShapes = 9;
  Grid(int64_t height, int64_t width) {
    for (int64_t level = 0; level < 5; ++level) {
      const int64_t stride = int64_t{8} << level;
      for (int scale = 0; scale < 3; ++scale) {
        for (const double ratio : {0.5, 1.0, 2.0}) {
          const double side = 4 * static_cast<double>(stride) * std::exp2(scale / 3.0);
          half_sizes_.push_back(static_cast<float>(side / std::sqrt(ratio) / 2));
          half_sizes_.push_back(static_cast<float>(side * std::sqrt(ratio) / 2));
        }
      }
      const int64_t rows = (height + stride - 1) / stride, columns = (width + stride - 1) / stride;
      levels_.push_back(
          {rows, columns, static_cast<double>(stride), static_cast<double>(stride), 0.5, count_, nullptr});
      counts_.push_back(rows * columns * kShapes);
      count_ += counts_.back();
    }
    for (size_t i = 0; i < levels_.size(); ++i) levels_[i].half_sizes = half_sizes_.data() + 2 * kShapes * i;
  }
  Grid(const Grid&) = delete;
  Grid& operator=(const Grid&) = delete;
  rn_anchors Anchors() const {
    return {count_, nullptr, levels_.data(), static_cast<int64_t>(levels_.size()), kShapes};
  }
  const std::vector<int64_t>& LevelCounts() const { return counts_; }

 private:
  int64_t count_ = 0;
  std::vector<float> half_sizes_;
  std::vector<rn_grid_level> levels_;
  std::vector<int64_t> counts_;
};

}  // namespace rn::bench

#endif
