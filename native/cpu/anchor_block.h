// Anchors a block at a time, as columns: the same view of a plain list and of a grid that is never materialised.
#ifndef RETINANET_OPS_ANCHOR_BLOCK_H
#define RETINANET_OPS_ANCHOR_BLOCK_H

#include <algorithm>
#include <cstdint>

#include "../backend/backend.h"
#include "../math/anchor_grid.h"
#include "../math/box.h"

namespace rn::cpu {

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
      const float center_x = CellCenter(cell % level.width, level.stride);
      const float center_y = CellCenter(cell / level.width, level.stride);
      for (; shape < shapes && a < end; ++shape, ++a) {
        visit(a, AnchorAt(center_x, center_y, level.half_sizes + 2 * shape));
      }
    }
  }
}

struct AnchorBlock {
  static constexpr int64_t kSize = 1024;

  int64_t first, size;
  Box bounds;  // around all anchors of the block: what lies outside overlaps none of them
  Box boxes[kSize];
  float areas[kSize];

  AnchorBlock(const rn_anchors& anchors, int64_t block)
      : first(block * kSize), size(std::min(kSize, anchors.count - first)) {
    Box around{};
    ForEachAnchor(anchors, first, first + size, [&](int64_t a, const Box& box) {
      const int64_t i = a - first;
      boxes[i] = box;
      areas[i] = Area(box);
      around =
          i == 0 ? box
                 : Box{Min(around.x1, box.x1), Min(around.y1, box.y1), Max(around.x2, box.x2), Max(around.y2, box.y2)};
    });
    bounds = around;
  }

  bool MayOverlap(const Box& box) const { return Intersection(bounds, box) > 0; }
};

}  // namespace rn::cpu

#endif
