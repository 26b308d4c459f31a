// The focal loss (focal_loss.h) in float64.
#ifndef RETINANET_OPS_MATH_EXACT_FOCAL_LOSS_H
#define RETINANET_OPS_MATH_EXACT_FOCAL_LOSS_H

#include <cmath>

#include "elementary64.h"
#include "focal_parameters.h"
#include "host_device.h"

namespace rn {

struct FocalLossAndGrad {
  double loss, grad;
};

// q^gamma, with log(q) for powers that would magnify an error of q.
RN_HD double PowerOf(double q, double log_q, double gamma) {
  return gamma == 0 ? 1 : gamma == 1 ? q : gamma == 2 ? q * q : std::exp(gamma * log_q);
}

// What the loss of any target is made of, in float64; t + not_t = 1, either of which may be tiny. e =
// exp(-|x|), larger = sigmoid(|x|), log1p_e = log(1 + e).
struct SoftLogit {
  double x, t, not_t;
  double p, not_p, q, of_zero, of_one;  // of_zero, of_one: softplus(x), softplus(-x)

  RN_HD_MEMBER SoftLogit(double logit, double e, double larger, double log1p_e, double target, double not_target)
      : x(logit), t(target), not_t(not_target) {
    const double smaller = e * larger;
    p = x < 0 ? smaller : larger;
    not_p = x < 0 ? larger : smaller;
    of_zero = (x < 0 ? 0 : x) + log1p_e;
    of_one = (x < 0 ? -x : 0) + log1p_e;
    q = p * not_t + not_p * t;
  }
  RN_HD_MEMBER double Slope(double gamma, double ce) const {
    // p - t, next to x = 0 as the difference of how far p and t are from one half, where both may be.
    const double from_half = x * (0.25 - x * x * (1.0 / 48));
    const double pull = std::fabs(x) < 1e-3 ? from_half + 0.5 * (not_t - t) : p * not_t - not_p * t;
    const double change = q == 0 ? 0 : p * not_p / q * (not_t - t);  // of log(q) with x
    return gamma * change * ce + pull;
  }
};

// The slope of SoftFocalLoss in float64, for logits that float32 reaches, without branches and calls.
RN_HD double SoftSlope(double x, double t, double not_t, double gamma) {
  const double e = ExpMinus(std::fabs(x)), larger = 1 / (1 + e);
  const SoftLogit logit(x, e, larger, LogOnePlus(e, e * larger), t, not_t);
  return logit.Slope(gamma, not_t * logit.of_zero + t * logit.of_one);
}

// One logit in float64, whatever it is, for every gamma up to the largest float32.
RN_HD FocalLossAndGrad FocalLossOf(double x, double t, double not_t, double gamma, double alpha_t) {
  const double e = std::exp(-std::fabs(x));
  const SoftLogit logit(x, e, 1 / (1 + e), std::log1p(e), t, not_t);
  double ce, log_q;
  if (t == 0) {
    ce = logit.of_zero;
    log_q = -logit.of_one;
  } else if (not_t == 0) {
    ce = logit.of_one;
    log_q = -logit.of_zero;
  } else {
    ce = not_t * logit.of_zero + t * logit.of_one;
    log_q = logit.q < 0.5 ? std::log(logit.q) : std::log1p(-(logit.p * t + logit.not_p * not_t));
  }
  const double finite_ce = ce > 1e200 ? 1e200 : ce;  // infinity would meet a factor 0
  const double weight = alpha_t * PowerOf(logit.q, log_q, gamma);
  // weight = 0 beside ce = inf: an infinitely confident right answer costs nothing.
  return {weight == 0 && ce > finite_ce ? 0 : weight * ce, weight * logit.Slope(gamma, finite_ce)};
}

// A target between 0 and 1 after smoothing, and 1 less that.
struct SmoothedTarget {
  double t, not_t;
};
RN_HD SmoothedTarget Smoothed(float target, const TargetRange& range) {
  const double hard = static_cast<double>(target), scale = range.high - range.low;
  return {range.low + hard * scale, range.low + (1 - hard) * scale};
}

// One logit with everything; `gamma` is that of the class, known to kernels that are made for one.
RN_HD FocalLossAndGrad FocalLossOf(float x, float target, const TargetRange& range, const FocalClass& of_class,
                                   double gamma) {
  const SmoothedTarget smoothed = Smoothed(target, range);
  const double t = smoothed.t, not_t = smoothed.not_t;
  return FocalLossOf(static_cast<double>(x), t, not_t, gamma, of_class.Alpha(t, not_t));
}
// The slope of a soft target, for logits that float32 reaches.
RN_HD double SoftSlope(float x, float target, const TargetRange& range, double gamma) {
  const SmoothedTarget smoothed = Smoothed(target, range);
  return SoftSlope(static_cast<double>(x), smoothed.t, smoothed.not_t, gamma);
}

}  // namespace rn

#endif
