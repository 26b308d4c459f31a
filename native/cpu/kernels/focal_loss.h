// The focal loss of a run of logits, a vector at a time.
#ifndef RETINANET_OPS_KERNELS_FOCAL_LOSS_H
#define RETINANET_OPS_KERNELS_FOCAL_LOSS_H

#include <cstdint>
#include <cstring>

#include "../../math/focal_loss.h"
#include "kernels.h"
#include "pair.h"

namespace rn::cpu::RN_ISA {

// Bits [first, first + 32) of a bit array.
RN_HD uint64_t BitsFrom(const uint8_t* bits, int64_t first) {
  uint64_t word;
  std::memcpy(&word, bits + (first >> 3), sizeof word);
  return word >> (first & 7);
}

RN_HD uint64_t FirstBits(int64_t count) { return (uint64_t{1} << count) - 1; }

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
  if (class_bits == 0) {  // nearly always: no row has its class in these lanes
    const FocalTerm<F> term = HardFocalLoss(x, gamma);
    return {term.weight * alpha, term.ce, term.slope};
  }
  const auto is_class = Lanes<F>::FromBits(class_bits);
  const FocalTerm<F> term = HardFocalLoss(NegateWhere(is_class, x), gamma);
  return {term.weight * Select(is_class, Lanes<F>::At(span.class_weight + k), alpha), term.ce,
          NegateWhere(is_class, term.slope)};
}

template <class F, class Gamma>
RN_HD FocalTerm<F> SoftTerm(F x, F t, const Gamma& gamma, const FocalSpan& span, int64_t k) {
  const FocalTerm<F> term = SoftFocalLoss(x, t, gamma);
  const F alpha = Fma(t, Lanes<F>::At(span.class_weight + k),
                      (F(1.0f) - t) * Lanes<F>::At(span.background_weight + k));
  return {term.weight * alpha, term.ce, term.slope};
}

// Targets of 0 and 1 among the dense ones go the way of class labels: both spellings give the same bits.
template <class F, class Gamma>
RN_HD FocalTerm<F> DenseTerm(F x, F t, const Gamma& gamma, const FocalSpan& span, int64_t k) {
  const auto one = t >= F(1.0f);
  const auto hard = one | (F(0.0f) >= t);
  const FocalTerm<F> term = HardTerm(x, Lanes<F>::ToBits(one), gamma, span, k);
  if (Lanes<F>::ToBits(hard) == FirstBits(F::kLanes)) return term;
  const FocalTerm<F> soft = SoftTerm(x, t, gamma, span, k);
  return {Select(hard, term.weight, soft.weight), Select(hard, term.ce, soft.ce),
          Select(hard, term.slope, soft.slope)};
}

// The elements [i, i + kLanes), of class-table index k. Returns their losses.
template <class F, FocalTargets kTargets, FocalGamma kGamma>
RN_HD F FocalStep(const FocalSpan& span, int64_t i, int64_t k) {
  using Lane = Lanes<F>;
  const F x = Lane::At(span.logits + i);
  const auto gamma = GammaAt<F, kGamma>(span, k);
  FocalTerm<F> term;
  if constexpr (kTargets == kDense) {
    const F scale = F(span.class_target - span.background_target);
    term = DenseTerm(x, Fma(Lane::At(span.targets + i), scale, F(span.background_target)), gamma, span, k);
  } else {
    const uint64_t class_bits = BitsFrom(span.class_bits, span.first_bit + i) & FirstBits(F::kLanes);
    if constexpr (kTargets == kHardBits) {
      term = HardTerm(x, class_bits, gamma, span, k);
    } else {
      const F t = Select(Lane::FromBits(class_bits), F(span.class_target), F(span.background_target));
      term = SoftTerm(x, t, gamma, span, k);
    }
  }
  if (span.weights) term.weight = term.weight * Lane::At(span.weights + i);
  const F loss = term.weight * term.ce;
  if (span.losses) Lane::To(span.losses + i, loss);
  if (span.grad) {
    F grad = term.weight * term.slope;
    if (span.upstream) grad = grad * Lane::At(span.upstream + i * span.upstream_step);
    if (span.stream) {
      Lane::StreamTo(span.grad + i, grad);
    } else {
      Lane::To(span.grad + i, grad);
    }
  }
  return loss;
}

// As FocalStep for fewer elements than a vector has lanes: through a copy, which vectors may overrun.
template <FocalTargets kTargets, FocalGamma kGamma>
Float PartialFocalStep(const FocalSpan& span, int64_t i, int64_t k, int64_t lanes) {
  float inputs[4][Float::kLanes] = {}, outputs[2][Float::kLanes];
  const auto copy = [&](const float* from, float* to) -> const float* {
    if (!from) return nullptr;
    std::memcpy(to, from, static_cast<size_t>(lanes) * sizeof(float));
    return to;
  };
  FocalSpan part = span;
  part.logits = copy(span.logits + i, inputs[0]);
  part.targets = copy(span.targets ? span.targets + i : nullptr, inputs[1]);
  part.weights = copy(span.weights ? span.weights + i : nullptr, inputs[2]);
  if (span.upstream_step) part.upstream = copy(span.upstream + i, inputs[3]);
  uint64_t class_bits = 0;
  if (span.class_bits) class_bits = BitsFrom(span.class_bits, span.first_bit + i) & FirstBits(lanes);
  part.class_bits = reinterpret_cast<const uint8_t*>(&class_bits);
  part.first_bit = 0;
  part.losses = span.losses ? outputs[0] : nullptr;
  part.grad = span.grad ? outputs[1] : nullptr;
  part.stream = false;
  const Float loss = FocalStep<Float, kTargets, kGamma>(part, 0, k);
  if (span.losses) copy(outputs[0], span.losses + i);
  if (span.grad) copy(outputs[1], span.grad + i);
  return KeepWhere(MaskOf(static_cast<uint32_t>(FirstBits(lanes))), loss);
}

template <FocalTargets kTargets, FocalGamma kGamma>
double FocalLossOfSpan(const FocalSpan& span) {
  constexpr int64_t kLanes = Float::kLanes, kPairLanes = FloatPair::kLanes;
  constexpr int64_t kPairsPerSum = 4;  // as many float32 additions before the float64 one
  const FlushDenormals flush;
  int64_t i = 0, k = span.table_index;
  const auto advance = [&](int64_t lanes) {
    i += lanes;
    k += lanes;
    if (k >= span.table_period) k -= span.table_period;
  };
  Sum sum;
  if (span.stream) {  // up to the first aligned address
    constexpr int64_t kBytes = kLanes * static_cast<int64_t>(sizeof(float));
    const int64_t past = static_cast<int64_t>(reinterpret_cast<uintptr_t>(span.grad) % kBytes);
    const int64_t lead = (kBytes - past) % kBytes / static_cast<int64_t>(sizeof(float));
    const int64_t lanes = lead < span.count ? lead : span.count;
    if (lanes > 0) sum.Add(PartialFocalStep<kTargets, kGamma>(span, 0, k, lanes));
    advance(lanes);
  }
  while (i + kPairLanes <= span.count) {
    FloatPair losses(0.0f);
    for (int64_t n = 0; n < kPairsPerSum && i + kPairLanes <= span.count; ++n) {
      losses = losses + FocalStep<FloatPair, kTargets, kGamma>(span, i, k);
      advance(kPairLanes);
    }
    sum.Add(losses.a + losses.b);
  }
  if (i + kLanes <= span.count) {
    sum.Add(FocalStep<Float, kTargets, kGamma>(span, i, k));
    advance(kLanes);
  }
  if (i < span.count) sum.Add(PartialFocalStep<kTargets, kGamma>(span, i, k, span.count - i));
  return sum.Total();
}

}  // namespace rn::cpu::RN_ISA

#endif
