// The terms of the focal loss for one vector of logits, by the kind of their targets.
#ifndef RETINANET_OPS_KERNELS_FOCAL_TERMS_H
#define RETINANET_OPS_KERNELS_FOCAL_TERMS_H

#include <cstdint>
#include <type_traits>

#include "../../math/exact_focal_loss.h"
#include "../../math/focal_loss.h"
#include "kernels.h"
#include "vector.h"

namespace rn::cpu::RN_ISA {

RN_HD bool All(Mask m) { return Bits(m) == (1u << Float::kLanes) - 1; }

template <int kGamma>
RN_HD void ExactGammas(const IntegerGamma<Float, kGamma>&, double* out) {
  for (int i = 0; i < Float::kLanes; ++i) out[i] = kGamma;
}
RN_HD void ExactGammas(const RealGamma<Float>& gamma, double* out) {
  alignas(64) float values[Float::kLanes], rests[Float::kLanes];
  Store(values, gamma.value);
  Store(rests, gamma.rest);
  for (int i = 0; i < Float::kLanes; ++i) out[i] = static_cast<double>(values[i]) + static_cast<double>(rests[i]);
}

template <FocalGamma kGamma>
RN_HD auto GammaAt(const FocalSpan& span, int64_t k) {
  if constexpr (kGamma == kGammaReal) {
    return RealGamma<Float>{Load(span.gamma + k), Load(span.gamma_rest + k)};
  } else {
    return IntegerGamma<Float, static_cast<int>(kGamma)>{};
  }
}

// What the tables say of every element.
template <class Gamma>
struct Parameters {
  Gamma gamma;
  Float background_weight;
};
template <FocalGamma kGamma>
RN_HD auto ParametersAt(const FocalSpan& span, int64_t k) {
  const auto gamma = GammaAt<kGamma>(span, k);
  return Parameters<std::remove_const_t<decltype(gamma)>>{gamma, Load(span.background_weight + k)};
}

using Logits = Logit<Float>;

// FocalTerms by the logit, alpha_t, and the lanes whose slope has cancelled.
struct BalancedTerm {
  FocalTerm<Float> term;
  Float alpha;
  Mask cancelled;
};

template <class Gamma>
RN_HD BalancedTerm HardTerm(const Logits& logits, Mask is_class, const Parameters<Gamma>& at, const FocalSpan& span,
                            int64_t k) {
  Logits of_class = logits;
  of_class.x = NegateWhere(is_class, logits.x);
  FocalTerm<Float> term = HardFocalLoss(of_class, at.gamma);
  term.slope = NegateWhere(is_class, term.slope);
  return {term, Select(is_class, Load(span.class_weight + k), at.background_weight), MaskOf(0)};
}

template <class Gamma>
RN_HD BalancedTerm BackgroundTerm(const Logits& logits, const Parameters<Gamma>& at) {
  return {HardFocalLoss(logits, at.gamma), at.background_weight, MaskOf(0)};
}

template <class Gamma>
RN_HD BalancedTerm SoftTerm(const Logits& logits, Float t, Float not_t, const Parameters<Gamma>& at,
                            const FocalSpan& span, int64_t k) {
  const SoftFocalTerm<Float> term = SoftFocalLoss(logits, t, not_t, at.gamma);
  return {term, Fma(t, Load(span.class_weight + k), not_t * at.background_weight),
          Float(kCancelled) * term.terms >= Abs(term.slope)};
}

// Targets of 0 and 1 among the dense ones go the way of class labels: both spellings give an element the same bits.
template <class Gamma>
RN_HD BalancedTerm DenseTerm(const Logits& logits, Float target, const Parameters<Gamma>& at, const FocalSpan& span,
                             int64_t k) {
  const Float low(static_cast<float>(span.range.low));
  const Float scale(static_cast<float>(span.range.high - span.range.low));
  const Float t = Fma(target, scale, low);
  const Float not_t = Fma(Float(1.0f) - target, scale, low);
  const Mask one = Float(0.0f) >= not_t;
  const Mask hard = one | (Float(0.0f) >= t);
  const BalancedTerm of_class = HardTerm(logits, one, at, span, k);
  if (All(hard)) return of_class;
  const BalancedTerm of_share = SoftTerm(logits, t, not_t, at, span, k);
  const FocalTerm<Float>&a = of_class.term, &b = of_share.term;
  return {{Select(hard, a.weight, b.weight), Select(hard, a.ce, b.ce), Select(hard, a.slope, b.slope)},
          Select(hard, of_class.alpha, of_share.alpha),
          MaskOf(Bits(of_share.cancelled) & ~Bits(hard))};
}

// Of a gradient, which may be a normal number where the product of some of them is none.
struct Factors {
  Float weight, alpha, upstream;
};

// The gradients of soft targets whose slopes have cancelled, in float64; `hard` are the targets before smoothing.
template <class Gamma>
RN_NOINLINE Float ExactGradients(Float x, Float hard, const Factors& factors, const Gamma& gamma,
                                 const FocalSpan& span) {
  constexpr int kLanes = Float::kLanes;
  alignas(64) float logits[kLanes], targets[kLanes], weight[kLanes], alpha[kLanes], upstream[kLanes], grad[kLanes];
  alignas(64) double gammas[kLanes];
  Store(logits, x);
  Store(targets, hard);
  Store(weight, factors.weight);
  Store(alpha, factors.alpha);
  Store(upstream, factors.upstream);
  ExactGammas(gamma, gammas);
  for (int i = 0; i < kLanes; ++i) {
    const double slope = SoftSlope(logits[i], targets[i], span.range, gammas[i]);
    const double factor = static_cast<double>(weight[i]) * static_cast<double>(alpha[i]);
    grad[i] = static_cast<float>(slope * factor * (span.grad_scale * static_cast<double>(upstream[i])));
  }
  return Load(grad);
}

}  // namespace rn::cpu::RN_ISA

#endif
