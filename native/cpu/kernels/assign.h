// The overlaps of a box with anchors side by side, a vector at a time: the same bits on every instruction set, for no
// operation here is fused and math/box.h has the order. Lanes past a run's end are either padding, which overlaps
// nothing, or other anchors of the same grid row.
#ifndef RETINANET_OPS_KERNELS_ASSIGN_H
#define RETINANET_OPS_KERNELS_ASSIGN_H

#include <cstring>

#include "../../math/box.h"
#include "kernels.h"
#include "vector.h"

namespace rn::cpu::RN_ISA {

struct BoxLanes {
  Float x1, y1, x2, y2, area;
  RN_ALWAYS_INLINE explicit BoxLanes(const BoxWithArea& b) : x1(b.x1), y1(b.y1), x2(b.x2), y2(b.y2), area(b.area) {}
};

RN_HD Float OverlapAlong(Float a1, Float a2, Float b1, Float b2) { return Max(Min(a2, b2) - Max(a1, b1), Float(0.0f)); }

// Calls visit(index of the first lane, intersections, anchors' areas).
template <class Visit>
RN_HD void ForEachOverlap(const AnchorList& run, const BoxLanes& box, Visit&& visit) {
  for (int64_t i = 0; i < run.count; i += Float::kLanes) {
    const Float width = OverlapAlong(Load(run.x1 + i), Load(run.x2 + i), box.x1, box.x2);
    const Float height = OverlapAlong(Load(run.y1 + i), Load(run.y2 + i), box.y1, box.y2);
    visit(i, width * height, Load(run.areas + i));
  }
}

template <class Visit>
RN_HD void ForEachOverlap(const GridRun& run, const BoxLanes& box, Visit&& visit) {
  const Float center(run.center_y);
  const int64_t step = Float::kLanes % run.period;
  int64_t shape = run.first_shape;
  for (int64_t i = 0; i < run.count; i += Float::kLanes) {
    const Float x1 = Load(run.x1 + i), x2 = Load(run.x2 + i), half_height = Load(run.half_heights + shape);
    const Float y1 = center - half_height, y2 = center + half_height;
    const Float inter = OverlapAlong(x1, x2, box.x1, box.x2) * OverlapAlong(y1, y2, box.y1, box.y2);
    visit(i, inter, (x2 - x1) * (y2 - y1));
    shape += step;
    if (shape >= run.period) shape -= run.period;
  }
}

RN_HD float HighestLane(Float a) {
  alignas(64) float lanes[Float::kLanes];
  Store(lanes, a);
  float highest = lanes[0];
  for (int i = 1; i < Float::kLanes; ++i) highest = lanes[i] > highest ? lanes[i] : highest;
  return highest;
}

// Hardly any division is made: rounding is monotonic, so where the rounded quotient exceeds a number, the intersection
// is at least the rounded product of that number and the union.
template <class Run>
RN_NOINLINE float HighestIou(const Run& run, const BoxWithArea& reference, float known) {
  const BoxLanes box(reference);
  const Float zero(0.0f);
  Float highest(known);
  ForEachOverlap(run, box, [&](int64_t, Float inter, Float area) {
    const Float all = UnionOf(box.area, area, inter);
    if (Bits((inter >= highest * all) & (inter > zero)) != 0) highest = Max(inter / all, highest);
  });
  return HighestLane(highest);
}

template <class Run>
RN_NOINLINE float Compete(const Run& run, const BoxWithArea& reference, float row, float known, float* best,
                          float* owner) {
  const BoxLanes box(reference);
  const Float zero(0.0f), challenger(row);
  Float highest(known);
  ForEachOverlap(run, box, [&](int64_t i, Float inter, Float area) {
    const Float all = UnionOf(box.area, area, inter), old = Load(best + i);
    if (Bits((inter >= Min(old, highest) * all) & (inter > zero)) == 0) return;
    const Float iou = inter / all;
    const Mask better = iou > old;
    Store(best + i, Select(better, iou, old));
    Store(owner + i, Select(better, challenger, Load(owner + i)));
    highest = Max(iou, highest);
  });
  return HighestLane(highest);
}

// The float before a positive one.
RN_HD float FloatBefore(float a) {
  uint32_t bits;
  std::memcpy(&bits, &a, sizeof bits);
  --bits;
  std::memcpy(&a, &bits, sizeof a);
  return a;
}

// Appends the indices that `bits` has for the vector at i, up to the run's end.
RN_HD int64_t Append(uint32_t bits, int64_t i, int64_t end, int32_t* found, int64_t n) {
  const int64_t lanes = end - i < Float::kLanes ? end - i : Float::kLanes;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    found[n] = static_cast<int32_t>(i + lane);
    n += bits >> lane & 1;
  }
  return n;
}

template <class Run>
RN_NOINLINE int64_t FindIou(const Run& run, const BoxWithArea& reference, float iou, int32_t* found) {
  const BoxLanes box(reference);
  const Float wanted(iou);
  int64_t n = 0;
  ForEachOverlap(run, box, [&](int64_t i, Float inter, Float area) {
    const uint32_t bits = Bits(inter / (UnionOf(box.area, area, inter)) == wanted);
    if (bits != 0) n = Append(bits, i, run.count, found, n);
  });
  return n;
}

template <class Run>
RN_NOINLINE int64_t FindCovered(const Run& run, const BoxWithArea& reference, float share, int32_t* found) {
  const BoxLanes box(reference);
  const Float least(share);
  int64_t n = 0;
  ForEachOverlap(run, box, [&](int64_t i, Float inter, Float area) {
    const uint32_t bits = Bits(inter / area >= least);
    if (bits != 0) n = Append(bits, i, run.count, found, n);
  });
  return n;
}

}  // namespace rn::cpu::RN_ISA

#endif
