// Boxes as four floats x1, y1, x2, y2 in pixels, and their overlap.
#ifndef RETINANET_OPS_MATH_BOX_H
#define RETINANET_OPS_MATH_BOX_H

#include <algorithm>
#include <cmath>
#include <limits>

#include "host_device.h"

namespace rn {

struct Box {
  float x1, y1, x2, y2;
};

RN_HD Box LoadBox(const float* p) { return {p[0], p[1], p[2], p[3]}; }

RN_HD void StoreBox(const Box& b, float* p) {
  p[0] = b.x1;
  p[1] = b.y1;
  p[2] = b.x2;
  p[3] = b.y2;
}

RN_HD float Area(const Box& b) { return (b.x2 - b.x1) * (b.y2 - b.y1); }

// A box with a NaN has none.
RN_HD bool HasArea(const Box& b) { return b.x2 > b.x1 && b.y2 > b.y1; }

// max and min as comparisons that compilers turn into one instruction (std::max takes references and a branch under
// nvcc).
RN_HD float Max(float a, float b) { return a > b ? a : b; }
RN_HD float Min(float a, float b) { return a < b ? a : b; }

RN_HD bool IsFinite(float x) { return x - x == 0.0f; }
RN_HD bool IsFinite(const Box& b) { return IsFinite(b.x1) && IsFinite(b.y1) && IsFinite(b.x2) && IsFinite(b.y2); }

// The following are written for a float and for a vector of them: the matching is exact to the bit only if they stay in
// float32, in this order, uncontracted.
template <class T>
RN_HD T OverlapAlong(T a1, T a2, T b1, T b2) {
  return Max(Min(a2, b2) - Max(a1, b1), T(0.0f));
}

template <class T>
RN_HD T UnionOf(T area_a, T area_b, T intersection) {
  return (area_a + area_b) - intersection;
}

RN_HD float Intersection(const Box& a, const Box& b) {
  return OverlapAlong(a.x1, a.x2, b.x1, b.x2) * OverlapAlong(a.y1, a.y2, b.y1, b.y2);
}

// torchvision.ops.box_iou.
RN_HD float Iou(const Box& a, float area_a, const Box& b, float area_b) {
  const float inter = Intersection(a, b);
  return inter / UnionOf(area_a, area_b, inter);
}

// The largest float32 that does not exceed `value`: a float32 exceeds the one exactly if it exceeds the other.
inline float RoundDown(double value) {
  const float rounded = static_cast<float>(value);
  return static_cast<double>(rounded) > value ? std::nextafter(rounded, -std::numeric_limits<float>::infinity())
                                              : rounded;
}

// Iou(...) > threshold. Rounding is monotonic: where the rounded quotient exceeds the threshold, the intersection is at
// least the rounded product. So hardly any division is made.
RN_HD bool IouExceeds(const Box& a, float area_a, const Box& b, float area_b, float threshold) {
  const float inter = Intersection(a, b);
  const float all = (area_a + area_b) - inter;
  return inter >= threshold * all && inter / all > threshold;
}

// Into [0, high]; NaN stays NaN.
RN_HD float Clamp(float x, float high) { return x <= 0.0f ? 0.0f : (x > high ? high : x); }

// torchvision.ops.clip_boxes_to_image.
RN_HD Box Clip(const Box& b, float height, float width) {
  return {Clamp(b.x1, width), Clamp(b.y1, height), Clamp(b.x2, width), Clamp(b.y2, height)};
}

}  // namespace rn

#endif
