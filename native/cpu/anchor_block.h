// Anchors one by one, and those of a list a block at a time as columns.
#ifndef RETINANET_OPS_ANCHOR_BLOCK_H
#define RETINANET_OPS_ANCHOR_BLOCK_H

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>

#include "../backend/backend.h"
#include "../math/anchor_grid.h"
#include "../math/box.h"
#include "kernels/kernels.h"

namespace rn::cpu {

inline CellAxis RowsOf(const rn_grid_level& level) { return {level.height, level.stride_y, level.center_offset}; }
inline CellAxis ColumnsOf(const rn_grid_level& level) { return {level.width, level.stride_x, level.center_offset}; }

// Calls visit(index, box) for the anchors [first, last), in order.
template <class Visit>
void ForEachAnchor(const rn_anchors& anchors, int64_t first, int64_t last, Visit&& visit) {
  if (anchors.boxes) {
    for (int64_t a = first; a < last; ++a) visit(a, LoadBox(anchors.boxes + 4 * a));
    return;
  }
  const int64_t shapes = anchors.anchors_per_cell;
  int64_t a = first;
  for (int64_t l = 0; l < anchors.num_levels && a < last; ++l) {
    const rn_grid_level& level = anchors.levels[l];
    const int64_t end = std::min(last, level.first_anchor + level.height * level.width * shapes);
    while (a < end) {
      const int64_t cell = (a - level.first_anchor) / shapes;
      int64_t shape = (a - level.first_anchor) % shapes;
      const float center_x = CellCenter(cell % level.width, ColumnsOf(level));
      const float center_y = CellCenter(cell / level.width, RowsOf(level));
      for (; shape < shapes && a < end; ++shape, ++a) {
        visit(a, AnchorAt(center_x, center_y, level.half_sizes + 2 * shape));
      }
    }
  }
}

inline Box AnchorOf(const rn_anchors& anchors, int64_t a) {
  Box anchor{};
  ForEachAnchor(anchors, a, a + 1, [&](int64_t, const Box& box) { anchor = box; });
  return anchor;
}

inline BoxWithArea WithArea(const Box& box) { return {box.x1, box.y1, box.x2, box.y2, Area(box)}; }

inline Box Around(const Box& a, const Box& b) {
  return {Min(a.x1, b.x1), Min(a.y1, b.y1), Max(a.x2, b.x2), Max(a.y2, b.y2)};
}

// Boxes as columns for the kernels.
struct BoxColumns {
  static constexpr int64_t kSize = 1024;

  int64_t size = 0;
  alignas(64) float x1[kSize + kRunPadding], y1[kSize + kRunPadding], x2[kSize + kRunPadding], y2[kSize + kRunPadding];
  float areas[kSize + kRunPadding];

  void Put(int64_t i, const BoxWithArea& box) {
    x1[i] = box.x1;
    y1[i] = box.y1;
    x2[i] = box.x2;
    y2[i] = box.y2;
    areas[i] = box.area;
  }

  // Of the first `size`; readable until the next box is put.
  AnchorList List() {
    constexpr float kFar = std::numeric_limits<float>::infinity();
    for (int64_t i = size; i < size + kRunPadding; ++i) Put(i, {kFar, kFar, -kFar, -kFar, 0});
    return {x1, y1, x2, y2, areas, size};
  }
};

struct AnchorBlock {
  static constexpr int64_t kSize = BoxColumns::kSize;

  Box bounds{};  // around all anchors of the block: what lies outside overlaps none of them
  BoxColumns columns;

  // The anchors [first, first + kSize) of a list, as far as there are any.
  AnchorList Load(const rn_anchors& list, int64_t first) {
    const int64_t count = std::min(kSize, list.count - first);
    const float* const boxes = list.boxes + 4 * first;
    // Loops that a compiler makes vectors of.
    for (int64_t i = 0; i < count; ++i) {
      columns.x1[i] = boxes[4 * i];
      columns.y1[i] = boxes[4 * i + 1];
      columns.x2[i] = boxes[4 * i + 2];
      columns.y2[i] = boxes[4 * i + 3];
    }
    for (int64_t i = 0; i < count; ++i) {
      columns.areas[i] = Area({columns.x1[i], columns.y1[i], columns.x2[i], columns.y2[i]});
    }
    columns.size = count;
    const AnchorList anchors = columns.List();
    const auto low = [](float a, float b) { return Min(a, b); };
    const auto high = [](float a, float b) { return Max(a, b); };
    bounds = {Extreme(columns.x1, count, low), Extreme(columns.y1, count, low), Extreme(columns.x2, count, high),
              Extreme(columns.y2, count, high)};
    return anchors;
  }

 private:
  static constexpr int64_t kLanes = 16;
  static_assert(kLanes <= kRunPadding, "what Extreme reads past the last");

  // Of one column, whose values past `count` are never picked: the lowest (of x1, y1) or highest (of x2, y2).
  template <class Pick>
  static float Extreme(const float* values, int64_t count, const Pick& pick) {
    float lanes[kLanes];
    std::copy_n(values, kLanes, lanes);
    for (int64_t i = kLanes; i < count; i += kLanes) {
      for (int64_t k = 0; k < kLanes; ++k) lanes[k] = pick(values[i + k], lanes[k]);
    }
    return std::accumulate(lanes + 1, lanes + kLanes, lanes[0], pick);
  }
};

inline bool MayOverlap(const Box& bounds, const BoxWithArea& box) {
  return Min(bounds.x2, box.x2) > Max(bounds.x1, box.x1) && Min(bounds.y2, box.y2) > Max(bounds.y1, box.y1);
}

}  // namespace rn::cpu

#endif
