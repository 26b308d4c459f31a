// Does a box overlap one of the kept boxes by more than the threshold? The same bits on every instruction set: no
// operation here is fused, and math/box.h has the order.
#ifndef RETINANET_OPS_KERNELS_NMS_H
#define RETINANET_OPS_KERNELS_NMS_H

#include "../../math/box.h"
#include "kernels.h"
#include "vector.h"

namespace rn::cpu::RN_ISA {

RN_NOINLINE bool OverlapsKept(const KeptBlock* blocks, int32_t first, const NmsCandidate& candidate) {
  const Float x1(candidate.x1), y1(candidate.y1), x2(candidate.x2), y2(candidate.y2);
  const Float area(candidate.area), threshold(candidate.threshold);
  for (int32_t b = first; b >= 0; b = blocks[b].next) {
    const KeptBlock& kept = blocks[b];
    if (kept.label != candidate.label) continue;
    for (int64_t i = 0; i < kept.count; i += Float::kLanes) {
      const Float inter = OverlapAlong(Load(kept.x1 + i), Load(kept.x2 + i), x1, x2) *
                          OverlapAlong(Load(kept.y1 + i), Load(kept.y2 + i), y1, y2);
      const Float all = UnionOf(Load(kept.areas + i), area, inter);
      // Rounding is monotonic: where the rounded quotient exceeds the threshold, inter is at least the rounded product.
      // So hardly any division is made.
      if (Bits(inter >= threshold * all) != 0 && Bits(inter / all > threshold) != 0) return true;
    }
  }
  return false;
}

// Writes the indices of the elements that are at least `threshold`, ascending; returns how many. Nearly all are less.
RN_NOINLINE int64_t FindAtLeast(const float* values, int64_t count, float threshold, int32_t* found) {
  constexpr int64_t kLanes = Float::kLanes, kStep = 4 * kLanes;
  const Float least(threshold);
  int64_t n = 0, i = 0;
  for (; i + kStep <= count; i += kStep) {
    const Mask m0 = Load(values + i) >= least, m1 = Load(values + i + kLanes) >= least;
    const Mask m2 = Load(values + i + 2 * kLanes) >= least, m3 = Load(values + i + 3 * kLanes) >= least;
    if (Bits((m0 | m1) | (m2 | m3)) == 0) continue;
    const Mask masks[4] = {m0, m1, m2, m3};
    for (int64_t k = 0; k < 4; ++k) {
      const uint32_t bits = Bits(masks[k]);
      if (bits == 0) continue;
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        found[n] = static_cast<int32_t>(i + k * kLanes + lane);
        n += bits >> lane & 1;
      }
    }
  }
  for (; i < count; ++i) {
    if (values[i] >= threshold) found[n++] = static_cast<int32_t>(i);
  }
  return n;
}

}  // namespace rn::cpu::RN_ISA

#endif
