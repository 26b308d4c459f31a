// The sigmoid focal loss of one logit and its derivative (Lin et al. 2017, equations 4 and 5; torchvision's
// sigmoid_focal_loss for soft targets), written so that for hard targets every sum has terms of one sign: nothing
// cancels, nothing overflows, and no power of a vanishing number is divided by that number.
//
//   p = sigmoid(x),  q = 1 - p_t = p (1 - t) + (1 - p) t,  ce = (1 - t) softplus(x) + t softplus(-x)
//   loss  = alpha_t q^gamma ce,                            alpha_t = alpha t + (1 - alpha) (1 - t)
//   dloss = alpha_t q^gamma [ p (1 - t) - (1 - p) t + gamma (1 - 2t) ce p (1 - p) / q ]
//
// A hard target's loss depends on y = x (t = 0) or y = -x (t = 1) alone: q = sigmoid(y), ce = softplus(y). Everything
// but softplus' linear part is a function of e = exp(-|x|).
//
// The templates serve float64, at any logit, and the float32 types of elementary.h, for which |x| (gamma + 1) stays
// below kLargestExponent: nothing then leaves float32's normal numbers.
#ifndef RETINANET_OPS_MATH_FOCAL_LOSS_H
#define RETINANET_OPS_MATH_FOCAL_LOSS_H

#include <cmath>

#include "elementary.h"
#include "host_device.h"

namespace rn {

constexpr float kLargestExponent = 85.0f;

// loss = alpha_t * weight * ce, derivative = alpha_t * weight * slope.
template <class F>
struct FocalTerm {
  F weight, ce, slope;
};

// gamma = 0, 1 or 2.
template <class F, int kGamma>
struct IntegerGamma {
  static constexpr bool kSharp = false;
  RN_HD_MEMBER F Power(F q) const {
    if constexpr (kGamma == 0)
      return F(1.0f);
    else if constexpr (kGamma == 1)
      return q;
    else
      return q * q;
  }
  RN_HD_MEMBER F PowerOfSigmoid(F q, F, F) const { return Power(q); }
  RN_HD_MEMBER F Times(F x) const {
    if constexpr (kGamma == 0)
      return F(0.0f);
    else if constexpr (kGamma == 1)
      return x;
    else
      return x + x;
  }
};

// Any gamma >= 0, as a float32 and the rest that its rounding left.
template <class F>
struct RealGamma {
  static constexpr bool kSharp = true;  // a large power magnifies what rounding took from its base
  F value, rest;
  RN_HD_MEMBER F Power(F q) const { return PowerOf(q, value, rest); }
  // sigmoid(y)^gamma = exp(-gamma softplus(-y)), softplus(-y) = below + log1p_e: more exact than the power of a rounded
  // q.
  RN_HD_MEMBER F PowerOfSigmoid(F, F below, F log1p_e) const {
    const F product = value * below;
    return ExpMinus(product, Fma(value, log1p_e, Fma(rest, below, ProductRest(value, below, product))));
  }
  RN_HD_MEMBER F Times(F x) const { return value * x; }
};

template <>
struct RealGamma<double> {
  static constexpr bool kSharp = false;
  double value;
  RN_HD_MEMBER double Power(double q) const { return value == 2 ? q * q : value == 1 ? q : std::pow(q, value); }
  RN_HD_MEMBER double PowerOfSigmoid(double q, double, double) const { return Power(q); }
  RN_HD_MEMBER double Times(double x) const { return value * x; }
};

// A logit x with what all its losses are made of: e = exp(-|x|), smaller = sigmoid(-|x|), log1p_e = log(1 + e).
template <class F>
struct Logit {
  F x, e, smaller, log1p_e;
};
template <class F>
RN_HD F SmallerShare(F e) {
  return e / (F(1.0f) + e);
}
template <class F>
RN_HD Logit<F> LogitOf(F x, F e, F smaller) {
  return {x, e, smaller, LogOnePlus(e, smaller, F(0.0f))};
}
template <class F>
RN_HD Logit<F> LogitOf(F x) {
  const F e = ExpMinus(Abs(x));
  return LogitOf(x, e, SmallerShare(e));
}

// For a hard target; y = x for t = 0, y = -x for t = 1 (whose derivative by x is then minus this one). With kAbove
// false y is known not to be above 0, as are nearly all background logits of a network that has learnt anything: there
// everything is a function of e.
template <bool kAbove = true, class F, class Gamma>
RN_HD FocalTerm<F> HardFocalLoss(const Logit<F>& logit, const Gamma& gamma) {
  const F y = logit.x, smaller = logit.smaller, larger = F(1.0f) - smaller;
  F q = smaller, not_q = larger, above = F(0.0f);
  if constexpr (kAbove) {
    q = IfNegative(y, smaller, larger);
    not_q = IfNegative(y, larger, smaller);
    above = Max(F(0.0f), y);
  }
  // Real powers need log1p_e by itself, others save a step.
  const F ce = Gamma::kSharp ? above + logit.log1p_e : LogOnePlus(logit.e, smaller, above);
  const F weight = gamma.PowerOfSigmoid(q, above - y, logit.log1p_e);
  return {weight, ce, Fma(gamma.Times(Saturate(ce)), not_q, q)};
}

// For a target t strictly between 0 and 1; not_t = 1 - t, each rounded by itself.
template <class F, class Gamma>
RN_HD FocalTerm<F> SoftFocalLoss(const Logit<F>& logit, F t, F not_t, const Gamma& gamma) {
  const F x = logit.x, e = logit.e, smaller = logit.smaller, larger = F(1.0f) - smaller;
  const F p = IfNegative(x, smaller, larger), not_p = IfNegative(x, larger, smaller);
  const F ce_of_one = Max(F(0.0f), F(0.0f) - x) + logit.log1p_e;
  const F ce = Fma(t, ce_of_one, not_t * (Max(F(0.0f), x) + logit.log1p_e));
  const F p_share = p * not_t, not_p_share = not_p * t;
  const F q = p_share + not_p_share;
  const F one_over_q = F(1.0f) / q;
  F weight = gamma.Power(q);
  if constexpr (Gamma::kSharp) {
    const F larger_rest = QuotientRest(e, larger);
    const F smaller_rest = ProductRest(e, larger, smaller) + e * larger_rest;
    const F p_rest = IfNegative(x, smaller_rest, larger_rest), not_p_rest = IfNegative(x, larger_rest, smaller_rest);
    const F rest_p = ProductRest(p, not_t, p_share) + p_rest * not_t;
    const F rest_not_p = ProductRest(not_p, t, not_p_share) + not_p_rest * t;
    const F rest = SumRest(p_share, not_p_share, q) + rest_p + rest_not_p;
    weight = Fma(weight, gamma.Times(rest * one_over_q), weight);
  }
  const F pull = p_share - not_p_share;
  return {weight, ce, Fma(gamma.Times(Saturate(ce) * (not_t - t)), p * not_p * one_over_q, pull)};
}

// The class-balancing weight alpha_t.
RN_HD double AlphaWeight(double alpha, double t) { return alpha * t + (1 - alpha) * (1 - t); }

// Keras' binary label smoothing: squeezes a target towards one half.
RN_HD double SmoothTarget(double t, double smoothing) { return t * (1 - smoothing) + 0.5 * smoothing; }

struct FocalLossAndGrad {
  double loss, grad;
};

// One logit in float64: any float, infinities included.
RN_HD FocalLossAndGrad FocalLossOf(double x, double t, double gamma, double alpha_t) {
  const RealGamma<double> exponent{gamma};
  Logit<double> logit = LogitOf(x);
  FocalTerm<double> term;
  double sign = 1;
  if (t == 0) {
    term = HardFocalLoss(logit, exponent);
  } else if (t == 1) {
    logit.x = -x;
    term = HardFocalLoss(logit, exponent);
    sign = -1;
  } else {
    term = SoftFocalLoss(logit, t, 1 - t, exponent);
  }
  const double weight = alpha_t * term.weight;
  // weight = 0 beside ce = inf: an infinitely confident right answer costs nothing.
  return {weight == 0 ? 0 * weight : weight * term.ce, sign * weight * term.slope};
}

}  // namespace rn

#endif
