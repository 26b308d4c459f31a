// What the focal loss has besides logits and targets, and how far float32 reaches with it.
#ifndef RETINANET_OPS_MATH_FOCAL_PARAMETERS_H
#define RETINANET_OPS_MATH_FOCAL_PARAMETERS_H

#include "elementary.h"
#include "float_bits.h"
#include "host_device.h"

namespace rn {

// The class-balancing weight alpha_t.
RN_HD double AlphaWeight(double alpha, double t) { return alpha * t + (1 - alpha) * (1 - t); }

// Keras' binary label smoothing: squeezes a target towards one half.
RN_HD double SmoothTarget(double t, double smoothing) { return t * (1 - smoothing) + 0.5 * smoothing; }

// Of one class, in float64: 1 - alpha and alpha, or 1 and 1 where alpha is off.
struct FocalClass {
  double background_weight, class_weight, gamma;
  RN_HD_MEMBER double Alpha(double t, double not_t) const { return t * class_weight + not_t * background_weight; }
};

// The same in float32: gamma rounded, and what rounding left.
struct RoundedFocalClass {
  float background_weight, class_weight, gamma, gamma_rest;
};
RN_HD RoundedFocalClass Rounded(const FocalClass& exact) {
  const float gamma = static_cast<float>(exact.gamma);
  return {static_cast<float>(exact.background_weight), static_cast<float>(exact.class_weight), gamma,
          static_cast<float>(exact.gamma - static_cast<double>(gamma))};
}

// What kernels are made for; an integer's value is its own.
enum FocalGamma { kGamma0, kGamma1, kGamma2, kGammaReal, kNumFocalGammas };

RN_HD FocalGamma GammaKindOf(double gamma) {
  return gamma == 0 ? kGamma0 : gamma == 1 ? kGamma1 : gamma == 2 ? kGamma2 : kGammaReal;
}

// What targets of 0 and 1 become, and all between in proportion.
struct TargetRange {
  double low, high;
};
RN_HD TargetRange SmoothedRange(double smoothing) { return {SmoothTarget(0, smoothing), SmoothTarget(1, smoothing)}; }

// What a call has besides its scales that decides how far float32 reaches.
struct FocalLimits {
  float one_plus_gamma;  // of the largest gamma
  float least_alpha;     // the least alpha_t above 0; 0: not known
  bool upstream;         // gradients are multiplied once more at the end, by numbers that may be large
};

constexpr float kLargestGamma = 5;  // errors of a logarithm grow with it
constexpr float kLargestExponent = 85, kNormalExponent = 87;
constexpr float kLeastReach = 5;  // from here on log(1 + exp(-|x|)) is nothing beside |x|
constexpr float kLeastNormal = 0x1p-126f, kLargestScale = 0x1p100f;

// The magnitude of a logit up to which float32 does in a row of this weight, or -1 where it never does. Losses and
// gradients are made of numbers no smaller than exp(-(gamma + 1) |x|), which have to be normal ones and to stay so when
// they meet what is not multiplied last.
RN_HD float LargestLogit(const FocalLimits& limits, float loss_scale, float grad_scale, float weight = 1) {
  const float grad = grad_scale < 0 ? -grad_scale : grad_scale;
  const float light = limits.least_alpha * (weight < 1 ? weight : 1.0f), heavy = weight > 1 ? weight : 1.0f;
  const bool fits = light * loss_scale >= kLeastNormal && light * grad >= kLeastNormal &&
                    heavy * loss_scale <= kLargestScale && heavy * grad <= kLargestScale;
  const float factor = limits.upstream && grad < 1 ? light * grad : light;
  const float exponent = kNormalExponent + kLn2 * static_cast<float>(static_cast<int>(BitsOf(factor) >> 23) - 127);
  const float reach = (exponent < kLargestExponent ? exponent : kLargestExponent) / limits.one_plus_gamma;
  return fits && limits.one_plus_gamma <= 1 + kLargestGamma && reach >= kLeastReach ? reach : -1;
}

}  // namespace rn

#endif
