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
// Two ways: here templates for the float32 types of elementary.h, which take logits up to LargestLogit; in
// exact_focal_loss.h float64, which takes every input there is.
#ifndef RETINANET_OPS_MATH_FOCAL_LOSS_H
#define RETINANET_OPS_MATH_FOCAL_LOSS_H

#include "elementary.h"
#include "focal_parameters.h"
#include "host_device.h"

namespace rn {

// loss = alpha_t * weight * ce, derivative = alpha_t * weight * slope.
template <class F>
struct FocalTerm {
  F weight, ce, slope;
};

// A soft target's slope is a difference, which crosses zero where the network has learnt the target: the sum of its
// terms' magnitudes says how far float32 can be believed.
template <class F>
struct SoftFocalTerm : FocalTerm<F> {
  F terms;
};
constexpr float kCancelled = 0.4f;  // a share of the terms below which a slope takes SoftSlope

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
  static constexpr bool kSharp = true;  // a power magnifies what rounding took from its base
  F value, rest;
  RN_HD_MEMBER F Power(F q) const { return PowerOf(q, value, rest); }
  // sigmoid(y)^gamma = exp(-gamma softplus(-y)), softplus(-y) = below + log1p_e: more exact than the power of a rounded
  // q.
  RN_HD_MEMBER F PowerOfSigmoid(F, F below, F log1p_e) const {
    const F product = value * below;
    return ExpMinus<!kRoundsQuotients<F>>(product,
                                          Fma(value, log1p_e, Fma(rest, below, ProductRest(value, below, product))));
  }
  RN_HD_MEMBER F Times(F x) const { return value * x; }
};

// A logit x with what all its losses are made of: e = exp(-|x|), smaller = sigmoid(-|x|), larger = sigmoid(|x|),
// log1p_e = log(1 + e); and for real powers of soft targets what rounding took from e, as a share of it.
template <class F>
struct Logit {
  F x, e, smaller, larger, log1p_e, e_rest;
};
template <class F>
RN_HD F SmallerShare(F e) {
  return e / (F(1.0f) + e);
}
template <class F>
RN_HD Logit<F> LogitOf(F x, F e, F smaller, F e_rest = F(0.0f)) {
  return {x, e, smaller, F(1.0f) - smaller, LogOnePlus(e, smaller, F(0.0f)), e_rest};
}
template <class F>
RN_HD Logit<F> LogitOf(F x) {
  const F e = ExpMinus(Abs(x));
  return LogitOf(x, e, SmallerShare(e));
}
template <class F>
RN_HD Logit<F> SharpLogitOf(F x) {
  F rest;
  const F e = ExpMinus(Abs(x), &rest);
  return LogitOf(x, e, SmallerShare(e), rest);
}

// For a hard target; y = x for t = 0, y = -x for t = 1 (whose derivative by x is then minus this one). With kAbove
// false y is known not to be above 0, as are nearly all background logits of a network that has learnt anything: there
// everything is a function of e.
template <bool kAbove = true, class F, class Gamma>
RN_HD FocalTerm<F> HardFocalLoss(const Logit<F>& logit, const Gamma& gamma) {
  const F y = logit.x, smaller = logit.smaller, larger = logit.larger;
  F q = smaller, not_q = larger, above = F(0.0f);
  if constexpr (kAbove) {
    q = IfNegative(y, smaller, larger);
    not_q = IfNegative(y, larger, smaller);
    above = Max(F(0.0f), y);
  }
  // Real powers need log1p_e by itself, others save a step.
  const F ce = Gamma::kSharp ? above + logit.log1p_e : LogOnePlus(logit.e, smaller, above);
  const F weight = gamma.PowerOfSigmoid(q, above - y, logit.log1p_e);
  return {weight, ce, Fma(gamma.Times(ce), not_q, q)};
}

// For a target t strictly between 0 and 1; not_t = 1 - t, each rounded by itself.
template <class F, class Gamma>
RN_HD SoftFocalTerm<F> SoftFocalLoss(const Logit<F>& logit, F t, F not_t, const Gamma& gamma) {
  const F x = logit.x, e = logit.e, smaller = logit.smaller, larger = logit.larger;
  const F p = IfNegative(x, smaller, larger), not_p = IfNegative(x, larger, smaller);
  F log1p_e = logit.log1p_e;
  if constexpr (Gamma::kSharp) log1p_e = Fma(logit.e_rest, smaller, log1p_e);
  const F ce_of_one = Max(F(0.0f), F(0.0f) - x) + log1p_e;
  const F ce = Fma(t, ce_of_one, not_t * (Max(F(0.0f), x) + log1p_e));
  const F p_share = p * not_t, not_p_share = not_p * t;
  const F q = p_share + not_p_share;
  const F one_over_q = F(1.0f) / q, change = p * not_p * one_over_q;
  F weight = gamma.Power(q);
  if constexpr (Gamma::kSharp) {
    const F larger_rest = QuotientRest(e, larger);
    const F smaller_rest = ProductRest(e, larger, smaller) + e * larger_rest;
    const F p_rest = IfNegative(x, smaller_rest, larger_rest), not_p_rest = IfNegative(x, larger_rest, smaller_rest);
    const F rest_p = ProductRest(p, not_t, p_share) + p_rest * not_t;
    const F rest_not_p = ProductRest(not_p, t, not_p_share) + not_p_rest * t;
    const F rest = SumRest(p_share, not_p_share, q) + rest_p + rest_not_p;
    const F of_e = IfNegative(x, logit.e_rest, F(0.0f) - logit.e_rest) * (not_t - t);
    weight = Fma(weight, gamma.Times(Fma(of_e, change, rest * one_over_q)), weight);
  }
  const F push = gamma.Times(ce * (not_t - t)) * change;
  return {{weight, ce, push + (p_share - not_p_share)}, Abs(push) + q};
}

}  // namespace rn

#endif
