// The focal loss of a run of logits, a vector at a time.
#ifndef RETINANET_OPS_KERNELS_FOCAL_LOSS_H
#define RETINANET_OPS_KERNELS_FOCAL_LOSS_H

#include <cstdint>
#include <cstring>

#include "../../math/focal_loss.h"
#include "kernels.h"
#include "pair.h"

namespace rn::cpu::RN_ISA {

// Bits [first, first + 64) of a bit array.
RN_HD uint64_t BitsFrom(const uint8_t* bits, int64_t first) {
  uint64_t low, high;
  std::memcpy(&low, bits + (first >> 3), sizeof low);
  std::memcpy(&high, bits + (first >> 3) + 1, sizeof high);
  const int shift = static_cast<int>(first & 7);
  return low >> shift | high << (8 - shift);
}

RN_HD uint64_t FirstBits(int64_t count) { return ~uint64_t{0} >> (64 - count); }  // count: 1 to 64

template <class F, FocalGamma kGamma>
RN_HD auto GammaAt(const FocalSpan& span, int64_t k) {
  if constexpr (kGamma == kGammaReal) {
    return RealGamma<F>{Lanes<F>::At(span.gamma + k), Lanes<F>::At(span.gamma_rest + k)};
  } else {
    return IntegerGamma<F, static_cast<int>(kGamma)>{};
  }
}

// FocalTerms by the logit, alpha_t included in the weight.
template <class F, class Gamma>
RN_HD FocalTerm<F> HardTerm(F x, uint64_t class_bits, const Gamma& gamma, const FocalSpan& span, int64_t k) {
  const F alpha = Lanes<F>::At(span.background_weight + k);
  // The cases in the order of how often they come, which branch prediction makes nearly free.
  if (class_bits == 0) {
    const bool below = Lanes<F>::All(F(0.0f) >= x);
    const FocalTerm<F> term = below ? HardFocalLoss<false>(x, gamma) : HardFocalLoss<true>(x, gamma);
    return {term.weight * alpha, term.ce, term.slope};
  }
  const auto is_class = Lanes<F>::FromBits(class_bits);
  const FocalTerm<F> term = HardFocalLoss<true>(NegateWhere(is_class, x), gamma);
  return {term.weight * Select(is_class, Lanes<F>::At(span.class_weight + k), alpha), term.ce,
          NegateWhere(is_class, term.slope)};
}

template <class F, class Gamma>
RN_HD FocalTerm<F> SoftTerm(F x, F t, F not_t, const Gamma& gamma, const FocalSpan& span, int64_t k) {
  const FocalTerm<F> term = SoftFocalLoss(x, t, not_t, gamma);
  const F alpha = Fma(t, Lanes<F>::At(span.class_weight + k), not_t * Lanes<F>::At(span.background_weight + k));
  return {term.weight * alpha, term.ce, term.slope};
}

// Targets of 0 and 1 among the dense ones go the way of class labels: both spellings give the same bits.
template <class F, class Gamma>
RN_HD FocalTerm<F> DenseTerm(F x, F target, const Gamma& gamma, const FocalSpan& span, int64_t k) {
  const F low = F(static_cast<float>(span.background_target));
  const F scale = F(static_cast<float>(span.class_target - span.background_target));
  const F t = Fma(target, scale, low);
  const F not_t = Fma(F(1.0f) - target, scale, low);
  const auto one = F(0.0f) >= not_t;
  const auto hard = one | (F(0.0f) >= t);
  const FocalTerm<F> term = HardTerm(x, Lanes<F>::ToBits(one), gamma, span, k);
  if (Lanes<F>::All(hard)) return term;
  const FocalTerm<F> soft = SoftTerm(x, t, not_t, gamma, span, k);
  return {Select(hard, term.weight, soft.weight), Select(hard, term.ce, soft.ce), Select(hard, term.slope, soft.slope)};
}

// The elements [i, i + F::kLanes) with the logits x, of class-table index k. Returns their losses.
template <class F, FocalTargets kTargets, FocalGamma kGamma>
RN_HD F VectorStep(const FocalSpan& span, F x, int64_t i, int64_t k) {
  using Lane = Lanes<F>;
  const auto gamma = GammaAt<F, kGamma>(span, k);
  FocalTerm<F> term;
  if constexpr (kTargets == kDense) {
    term = DenseTerm(x, Lane::At(span.targets + i), gamma, span, k);
  } else {
    const uint64_t class_bits = BitsFrom(span.class_bits, span.first_bit + i) & FirstBits(F::kLanes);
    if constexpr (kTargets == kHardBits) {
      term = HardTerm(x, class_bits, gamma, span, k);
    } else {
      F t = F(static_cast<float>(span.background_target)), not_t = F(static_cast<float>(span.class_target));
      SwapWhere(Lane::FromBits(class_bits), t, not_t);
      term = SoftTerm(x, t, not_t, gamma, span, k);
    }
  }
  if (span.weights) term.weight = term.weight * Lane::At(span.weights + i);
  const F loss = term.weight * term.ce;
  if (span.losses) Lane::To(span.losses + i, loss * F(span.loss_scale));
  if (span.grad) {
    F grad = term.weight * term.slope * F(span.grad_scale);
    if (span.upstream) grad = grad * Lane::At(span.upstream + i);
    if (span.stream) {
      Lane::StreamTo(span.grad + i, grad);
    } else {
      Lane::To(span.grad + i, grad);
    }
  }
  return loss;
}

// One element in float64; returns its loss.
RN_NOINLINE double ExactElement(const FocalSpan& span, int64_t i, int64_t k) {
  const double hard = span.targets ? static_cast<double>(span.targets[i])
                                   : static_cast<double>(BitsFrom(span.class_bits, span.first_bit + i) & 1);
  const double t = span.background_target + hard * (span.class_target - span.background_target);
  const double alpha_t =
      t * static_cast<double>(span.class_weight[k]) + (1 - t) * static_cast<double>(span.background_weight[k]);
  const double gamma = static_cast<double>(span.gamma[k]) + static_cast<double>(span.gamma_rest[k]);
  const FocalLossAndGrad term = FocalLossOf(static_cast<double>(span.logits[i]), t, gamma, alpha_t);
  const double weight = span.weights ? static_cast<double>(span.weights[i]) : 1.0;
  const double upstream = span.upstream ? static_cast<double>(span.upstream[i]) : 1.0;
  if (span.losses) span.losses[i] = static_cast<float>(static_cast<double>(span.loss_scale) * weight * term.loss);
  if (span.grad) {
    span.grad[i] = static_cast<float>(static_cast<double>(span.grad_scale) * upstream * weight * term.grad);
  }
  return weight * term.loss;
}

// The elements [i, i + lanes), no more than a vector has: at the end of a span, or among them logits that are infinite,
// NaN, or so far from 0 that a float32 of the way would underflow, which are done in float64. Works on a copy, filled
// up with elements that count for nothing.
template <FocalTargets kTargets, FocalGamma kGamma>
RN_NOINLINE double CarefulStep(const FocalSpan& span, int64_t i, int64_t k, int64_t lanes) {
  float logits[Float::kLanes] = {}, targets[Float::kLanes] = {}, weights[Float::kLanes] = {};
  float upstream[Float::kLanes] = {}, losses[Float::kLanes], grad[Float::kLanes];
  uint64_t class_bits[3] = {};
  if (span.class_bits) class_bits[0] = BitsFrom(span.class_bits, span.first_bit + i) & FirstBits(lanes);
  FocalSpan part = span;
  part.targets = targets;
  part.weights = weights;
  part.class_bits = reinterpret_cast<const uint8_t*>(class_bits);
  part.first_bit = 0;
  part.upstream = upstream;
  part.losses = losses;
  part.grad = grad;
  part.stream = false;
  const auto in_reach = [&](float x) { return x <= span.largest_logit && -x <= span.largest_logit; };
  for (int64_t j = 0; j < lanes; ++j) {
    if (!in_reach(span.logits[i + j])) continue;
    logits[j] = span.logits[i + j];
    targets[j] = span.targets ? span.targets[i + j] : 0.0f;
    weights[j] = span.weights ? span.weights[i + j] : 1.0f;
    upstream[j] = span.upstream ? span.upstream[i + j] : 1.0f;
  }
  Sum sum;
  sum.Add(VectorStep<Float, kTargets, kGamma>(part, Load(logits), 0, k));
  double total = sum.Total();
  for (int64_t j = 0; j < lanes; ++j) {
    if (in_reach(span.logits[i + j])) {
      if (span.losses) span.losses[i + j] = losses[j];
      if (span.grad) span.grad[i + j] = grad[j];
    } else {
      total += ExactElement(span, i + j, k + j);
    }
  }
  return total;
}

template <FocalTargets kTargets, FocalGamma kGamma>
double FocalLossOfSpan(const FocalSpan& span) {
  constexpr int64_t kLanes = Float::kLanes, kStepLanes = Wide::kLanes;
  constexpr int64_t kStepsPerSum = 4;  // as many float32 additions before the float64 one
  int64_t i = 0, k = span.table_index;
  const auto advance = [&](int64_t lanes) {
    i += lanes;
    k += lanes;
    if (k >= span.table_period) k -= span.table_period;
  };
  double careful = 0;
  if (span.stream) {  // up to the first aligned address
    constexpr int64_t kBytes = kLanes * static_cast<int64_t>(sizeof(float));
    const int64_t past = static_cast<int64_t>(reinterpret_cast<uintptr_t>(span.grad) % kBytes);
    const int64_t lead = (kBytes - past) % kBytes / static_cast<int64_t>(sizeof(float));
    const int64_t lanes = lead < span.count ? lead : span.count;
    if (lanes > 0) careful += CarefulStep<kTargets, kGamma>(span, 0, k, lanes);
    advance(lanes);
  }
  Sum sum;
  while (i + kStepLanes <= span.count) {
    Wide losses(0.0f);
    for (int64_t n = 0; n < kStepsPerSum && i + kStepLanes <= span.count; ++n) {
      const Wide x = Lanes<Wide>::At(span.logits + i);
      if (Lanes<Wide>::All(Wide(span.largest_logit) >= Abs(x))) {
        losses = losses + VectorStep<Wide, kTargets, kGamma>(span, x, i, k);
      } else {
        for (int64_t part = 0; part < kStepLanes; part += kLanes) {
          careful += CarefulStep<kTargets, kGamma>(span, i + part, k + part, kLanes);
        }
      }
      advance(kStepLanes);
    }
    sum.Add(Lanes<Wide>::Folded(losses));
  }
  while (i < span.count) {
    const int64_t lanes = span.count - i < kLanes ? span.count - i : kLanes;
    if (lanes == kLanes && Lanes<Float>::All(Float(span.largest_logit) >= Abs(Load(span.logits + i)))) {
      sum.Add(VectorStep<Float, kTargets, kGamma>(span, Load(span.logits + i), i, k));
    } else {
      careful += CarefulStep<kTargets, kGamma>(span, i, k, lanes);
    }
    advance(lanes);
  }
  return sum.Total() + careful;
}

}  // namespace rn::cpu::RN_ISA

#endif
