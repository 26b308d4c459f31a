// The anchors of a grid cell: float32 centre plus and minus float32 half sizes, so that the grid on the fly and the
// materialised boxes agree to the bit everywhere.
#ifndef RETINANET_OPS_MATH_ANCHOR_GRID_H
#define RETINANET_OPS_MATH_ANCHOR_GRID_H

#include <cstdint>

#include "box.h"

namespace rn {

RN_HD float CellCenter(int64_t cell, double stride) {
  return static_cast<float>((static_cast<double>(cell) + 0.5) * stride);
}

RN_HD Box AnchorAt(float center_x, float center_y, const float* half_size) {
  return {center_x - half_size[0], center_y - half_size[1], center_x + half_size[0], center_y + half_size[1]};
}

}  // namespace rn

#endif
