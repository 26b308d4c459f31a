// The anchors of a grid cell: float32 centre plus and minus float32 half sizes, so that the grid on the fly and the
// materialised boxes agree to the bit everywhere.
#ifndef RETINANET_OPS_MATH_ANCHOR_GRID_H
#define RETINANET_OPS_MATH_ANCHOR_GRID_H

#include <cstdint>

#include "box.h"

namespace rn {

// The cells of a grid along one axis: the centre of cell i lies at (i + offset) * stride, in pixels.
struct CellAxis {
  int64_t cells;
  double stride, offset;
};

RN_HD float CellCenter(int64_t cell, const CellAxis& axis) {
  return static_cast<float>((static_cast<double>(cell) + axis.offset) * axis.stride);
}

RN_HD Box AnchorAt(float center_x, float center_y, const float* half_size) {
  return {center_x - half_size[0], center_y - half_size[1], center_x + half_size[0], center_y + half_size[1]};
}

}  // namespace rn

#endif
