// The boxes that a suppression has kept, by place and class, so that a candidate meets few of them.
//
// The plane is cut into cells. A kept box is listed in every cell that it touches. A candidate looks into the cells
// that the middle of its own box touches: let its width be w and let it overlap a kept box by more than the threshold
// t. Then inter > t * union >= t * area, and as the overlap is no higher than the candidate, it is wider than t * w. An
// interval of that length inside the candidate's [x1, x2] has a point in common with [x1 + t w, x2 - t w], or holds the
// centre where t > 1/2; the kept box touches the cell of that point. The same goes for heights. Rounding moves a ratio
// of areas by less than 2^-20 of itself while no area lies below 2^-100, so a t smaller by 2^-10 of itself is safe;
// with smaller areas there is one cell only.
#ifndef RETINANET_OPS_CPU_KEPT_BOXES_H
#define RETINANET_OPS_CPU_KEPT_BOXES_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "../math/box.h"
#include "kernels/kernels.h"

namespace rn::cpu {

// Cells along one axis.
struct CellAxis {
  double origin = 0, scale = 0;
  int32_t count = 1;

  // Rises with x, whatever rounding does: boxes that share a point share its cell. Of a NaN it is some cell.
  int32_t Cell(double x) const {
    const double cell = (x - origin) * scale;
    if (!(cell > 0)) return 0;
    return cell < static_cast<double>(count - 1) ? static_cast<int32_t>(cell) : count - 1;
  }
};

class KeptBoxes {
 public:
  KeptBoxes(const std::vector<Box>& boxes, const int32_t* classes, double iou_threshold)
      : overlaps_kept_(ActiveKernels()->overlaps_kept), threshold_(RoundDown(iou_threshold)) {
    middle_ = iou_threshold < 0x1p-10 ? 0 : iou_threshold * (1 - 0x1p-10);
    LayOut(boxes, classes);
  }

  bool Suppress(const Box& box, int32_t label) const {
    const NmsCandidate candidate{box.x1, box.y1, box.x2, box.y2, Area(box), label, threshold_};
    const Range columns = Middle(x_, box.x1, box.x2), rows = Middle(y_, box.y1, box.y2);
    for (int32_t row = rows.first; row <= rows.last; ++row) {
      for (int32_t column = columns.first; column <= columns.last; ++column) {
        const int32_t head = heads_[Slot(row, column, label)];
        if (head >= 0 && overlaps_kept_(blocks_.data(), head, candidate)) return true;
      }
    }
    return false;
  }

  void Add(const Box& box, int32_t label) {
    const int32_t first_column = x_.Cell(static_cast<double>(box.x1)),
                  last_column = x_.Cell(static_cast<double>(box.x2));
    const int32_t first_row = y_.Cell(static_cast<double>(box.y1)), last_row = y_.Cell(static_cast<double>(box.y2));
    for (int32_t row = first_row; row <= last_row; ++row) {
      for (int32_t column = first_column; column <= last_column; ++column) {
        KeptBlock& block = BlockWithRoom(Slot(row, column, label), label);
        const int32_t i = block.count++;
        block.x1[i] = box.x1;
        block.y1[i] = box.y1;
        block.x2[i] = box.x2;
        block.y2[i] = box.y2;
        block.areas[i] = Area(box);
      }
    }
  }

 private:
  static constexpr float kNowhere = std::numeric_limits<float>::infinity();

  struct Range {
    int32_t first, last;
  };

  Range Middle(const CellAxis& axis, float from, float to) const {
    const double low = static_cast<double>(from), high = static_cast<double>(to), margin = middle_ * (high - low);
    if (low + margin > high - margin) {
      const int32_t centre = axis.Cell(0.5 * (low + high));
      return {centre, centre};
    }
    return {axis.Cell(low + margin), axis.Cell(high - margin)};
  }

  // Cells about as large as the boxes, and not so many that most lists would hold less than a vector.
  void LayOut(const std::vector<Box>& boxes, const int32_t* classes) {
    constexpr double kFar = std::numeric_limits<double>::infinity();
    double low_x = kFar, low_y = kFar, high_x = -kFar, high_y = -kFar, width = 0, height = 0;
    float smallest = kNowhere;
    int64_t count = 0;
    for (const Box& box : boxes) {
      if (!HasArea(box)) continue;
      const double x1 = static_cast<double>(box.x1), y1 = static_cast<double>(box.y1);
      const double x2 = static_cast<double>(box.x2), y2 = static_cast<double>(box.y2);
      low_x = std::min(low_x, x1);
      low_y = std::min(low_y, y1);
      high_x = std::max(high_x, x2);
      high_y = std::max(high_y, y2);
      width += x2 - x1;
      height += y2 - y1;
      smallest = std::min(smallest, Area(box));
      ++count;
    }
    int64_t different = 1;
    if (classes) {
      std::vector<int32_t> sample(classes, classes + std::min<size_t>(boxes.size(), 256));
      std::sort(sample.begin(), sample.end());
      different = std::max<int64_t>(1, std::unique(sample.begin(), sample.end()) - sample.begin());
    }
    if (smallest >= 0x1p-100f && count > 0) {
      const double boxes_across = (high_x - low_x) * static_cast<double>(count) / width;
      const double boxes_down = (high_y - low_y) * static_cast<double>(count) / height;
      const double most = static_cast<double>(count) / static_cast<double>(8 * different);
      const double shrink = std::min(1.0, std::sqrt(most / (boxes_across * boxes_down)));
      x_ = Axis(low_x, high_x, boxes_across * shrink);
      y_ = Axis(low_y, high_y, boxes_down * shrink);
    }
    cells_ = static_cast<uint32_t>(x_.count) * static_cast<uint32_t>(y_.count);
    size_t slots = 1;
    while (slots < cells_ * static_cast<uint64_t>(different) && slots < (size_t{1} << 20)) slots *= 2;
    heads_.assign(slots, -1);
  }

  static CellAxis Axis(double low, double high, double cells) {
    const int32_t count = cells > 1 ? static_cast<int32_t>(std::min(cells, 256.0)) : 1;
    return {low, count / (high - low), count};
  }

  // Several cells or classes may share a slot: boxes of other cells are compared in vain, other classes are skipped.
  size_t Slot(int32_t row, int32_t column, int32_t label) const {
    const uint32_t cell = static_cast<uint32_t>(row * x_.count + column);
    return (cell + static_cast<uint32_t>(label) * cells_) & static_cast<uint32_t>(heads_.size() - 1);
  }

  KeptBlock& BlockWithRoom(size_t slot, int32_t label) {
    for (int32_t b = heads_[slot]; b >= 0; b = blocks_[static_cast<size_t>(b)].next) {
      KeptBlock& block = blocks_[static_cast<size_t>(b)];
      if (block.label != label) continue;
      if (block.count < KeptBlock::kSize) return block;
      break;  // the others of this class are full
    }
    KeptBlock block{};
    std::fill_n(block.x1, KeptBlock::kSize, kNowhere);
    std::fill_n(block.y1, KeptBlock::kSize, kNowhere);
    std::fill_n(block.x2, KeptBlock::kSize, -kNowhere);
    std::fill_n(block.y2, KeptBlock::kSize, -kNowhere);
    block.label = label;
    block.next = heads_[slot];
    heads_[slot] = static_cast<int32_t>(blocks_.size());
    blocks_.push_back(block);
    return blocks_.back();
  }

  OverlapKernel overlaps_kept_;
  float threshold_;
  double middle_;
  CellAxis x_, y_;
  uint32_t cells_ = 1;
  std::vector<int32_t> heads_;  // first blocks
  std::vector<KeptBlock> blocks_;
};

}  // namespace rn::cpu

#endif
