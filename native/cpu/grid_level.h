// One level of an anchor grid, laid out for the kernels.
#ifndef RETINANET_OPS_CPU_GRID_LEVEL_H
#define RETINANET_OPS_CPU_GRID_LEVEL_H

#include <algorithm>
#include <limits>
#include <vector>

#include "../backend/backend.h"
#include "../math/anchor_reach.h"
#include "anchor_block.h"
#include "kernels/kernels.h"

namespace rn::cpu {

class GridLevel {
 public:
  static constexpr int64_t kLongestRun = 2048;

  GridLevel(const rn_grid_level& level, int64_t shapes)
      : reach(MakeAnchorLevel(RowsOf(level), ColumnsOf(level), level.half_sizes, shapes)),
        first(level.first_anchor),
        end(level.first_anchor + level.height * level.width * shapes),
        row_size(level.width * shapes),
        x1_(static_cast<size_t>(row_size + kRunPadding), std::numeric_limits<float>::infinity()),
        x2_(static_cast<size_t>(row_size + kRunPadding), -std::numeric_limits<float>::infinity()) {
    size_t i = 0;
    for (int64_t column = 0; column < level.width; ++column) {
      const float center = CellCenter(column, reach.columns);
      for (int64_t shape = 0; shape < shapes; ++shape, ++i) {
        const Box anchor = AnchorAt(center, 0, level.half_sizes + 2 * shape);
        x1_[i] = anchor.x1;
        x2_[i] = anchor.x2;
      }
    }
    half_heights_.reserve(static_cast<size_t>(shapes + kRunPadding));
    for (int64_t k = 0; k < shapes + kRunPadding; ++k) half_heights_.push_back(level.half_sizes[2 * (k % shapes) + 1]);
  }

  const AnchorLevel reach;
  const int64_t first, end;  // anchors
  const int64_t row_size;    // anchors

  // Calls visit(first anchor, run) for the range's anchors among [from, to), row by row, kLongestRun at most at a time.
  template <class Visit>
  void ForEachRun(const CellRange& range, int64_t from, int64_t to, const Visit& visit) const {
    for (int32_t row = range.first_row; row < range.end_row; ++row) {
      const int64_t row_start = first + row * row_size;
      const int64_t run_end = std::min(to, row_start + range.end_column * reach.shapes);
      int64_t run = std::max(from, row_start + range.first_column * reach.shapes);
      for (; run < run_end; run += kLongestRun) {
        const int64_t x = run - row_start;
        visit(run, GridRun{x1_.data() + x, x2_.data() + x, half_heights_.data(), CellCenter(row, reach.rows),
                           x % reach.shapes, reach.shapes, std::min(kLongestRun, run_end - run)});
      }
    }
  }

  template <class Visit>
  void ForEachRun(const CellRange& range, const Visit& visit) const {
    ForEachRun(range, first, end, visit);
  }

  CellRange InReach(const BoxWithArea& box, const OverlapDemand& demand) const {
    return CellsInReach(reach, {box.x1, box.y1, box.x2, box.y2}, demand);
  }

  // The cell around a point, or the nearest one.
  CellRange CellAt(double x, double y) const {
    const int32_t row = Cell(y, reach.rows), column = Cell(x, reach.columns);
    return {row, row + 1, column, column + 1};
  }

 private:
  static int32_t Cell(double at, const CellAxis& axis) {
    return std::min(EndCell(at - 0.5 * axis.stride, axis), static_cast<int32_t>(axis.cells) - 1);
  }

  std::vector<float> x1_, x2_;  // of one row's anchors
  std::vector<float> half_heights_;
};

}  // namespace rn::cpu

#endif
