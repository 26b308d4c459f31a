// The focal loss of one vector of logits: what is added up and stored; with care where some of them need float64.
#ifndef RETINANET_OPS_KERNELS_FOCAL_VECTOR_H
#define RETINANET_OPS_KERNELS_FOCAL_VECTOR_H

#include <cstdint>

#include "../../math/exact_focal_loss.h"
#include "../../math/focal_loss.h"
#include "focal_terms.h"
#include "kernels.h"
#include "vector.h"

namespace rn::cpu::RN_ISA {

// What a span asks for: its sum, the gradient as well, or whatever its pointers say.
enum Wanted { kSum, kSumAndGrad, kAnything };

// By what is multiplied what is stored.
struct Scales {
  Float loss, grad;
};
RN_HD Scales ScalesWith(Float alpha, const FocalSpan& span) {
  return {alpha * Float(static_cast<float>(span.loss_scale)), alpha * Float(static_cast<float>(span.grad_scale))};
}

// The vector of elements from i on; k their index into the tables, `at` what those say there,
// class_bits the lanes that are their row's class. Returns `losses` with theirs added. kAlphaApart: they all have one
// alpha, which `scales` includes and the caller multiplies the sum by.
template <FocalTargets kTargets, Wanted kWanted, bool kAlphaApart, class Gamma>
// NOLINTNEXTLINE(readability-function-size): what its two callers hold in registers
RN_HD Float Vector(const FocalSpan& span, const Logits& logits, int64_t i, int64_t k, const Parameters<Gamma>& at,
                   uint32_t class_bits, Scales scales, Float losses) {
  Float hard(0.0f);
  BalancedTerm balanced;
  if constexpr (kTargets == kDense) {
    hard = Load(span.targets + i);
    balanced = DenseTerm(logits, hard, at, span, k);
  } else if constexpr (kTargets == kHard) {
    balanced = class_bits == 0 ? BackgroundTerm(logits, at) : HardTerm(logits, MaskOf(class_bits), at, span, k);
  } else {
    Float t(static_cast<float>(span.range.low)), not_t(static_cast<float>(span.range.high));
    if (class_bits != 0) {
      SwapWhere(MaskOf(class_bits), t, not_t);
      hard = Select(MaskOf(class_bits), Float(1.0f), hard);
    }
    balanced = SoftTerm(logits, t, not_t, at, span, k);
  }
  const FocalTerm<Float>& term = balanced.term;
  Float weight = term.weight;
  if (kWanted == kAnything && span.weights) weight = weight * Load(span.weights + i);
  if constexpr (!kAlphaApart) scales = ScalesWith(balanced.alpha, span);
  if (kWanted == kAnything && span.losses) Store(span.losses + i, weight * term.ce * scales.loss);
  if (kWanted == kSumAndGrad || (kWanted == kAnything && span.grad)) {
    Float grad = weight * term.slope * scales.grad;
    Float upstream(1.0f);
    if (kWanted == kAnything && span.upstream) {
      upstream = Load(span.upstream + i);
      grad = grad * upstream;
    }
    if (kTargets != kHard && Bits(balanced.cancelled) != 0) {
      const Factors factors{weight, balanced.alpha, upstream};
      grad = Select(balanced.cancelled, ExactGradients(logits.x, hard, factors, at.gamma, span), grad);
    }
    if (span.stream) {
      Stream(span.grad + i, grad);
    } else {
      Store(span.grad + i, grad);
    }
  }
  return Fma(kAlphaApart ? weight : weight * balanced.alpha, term.ce, losses);
}

// One element in float64; returns its loss.
RN_NOINLINE double ExactElement(const FocalSpan& span, int64_t i, int64_t k, bool is_class) {
  const FocalClass& of_class = span.by_class[k % span.number_of_classes];
  const float target = span.targets ? span.targets[i] : static_cast<float>(is_class);
  const FocalLossAndGrad term = FocalLossOf(span.logits[i], target, span.range, of_class, of_class.gamma);
  const double weight = span.weights ? static_cast<double>(span.weights[i]) : 1.0;
  const double upstream = span.upstream ? static_cast<double>(span.upstream[i]) : 1.0;
  if (span.losses) span.losses[i] = static_cast<float>(span.loss_scale * weight * term.loss);
  if (span.grad) span.grad[i] = static_cast<float>(span.grad_scale * upstream * weight * term.grad);
  return weight * term.loss;
}

// The elements [i, i + lanes), no more than a vector has: at the end of a span, or among them logits that are infinite,
// NaN, or out of float32's reach, which are done in float64. Works on a copy, filled up with elements that count for
// nothing.
template <FocalTargets kTargets, FocalGamma kGamma>
RN_NOINLINE double CarefulVector(const FocalSpan& span, int64_t i, int64_t k, int64_t lanes, uint32_t class_bits) {
  float logits[Float::kLanes] = {}, targets[Float::kLanes] = {}, weights[Float::kLanes] = {};
  float upstream[Float::kLanes] = {}, losses[Float::kLanes], grad[Float::kLanes];
  FocalSpan part = span;
  part.targets = targets;
  part.weights = weights;
  part.upstream = upstream;
  part.losses = losses;
  part.grad = grad;
  part.stream = false;
  const auto in_reach = [&](int64_t j) {
    const float x = span.logits[i + j];
    const float largest = !span.weights ? span.largest_logit
                                        : LargestLogit(*span.limits, static_cast<float>(span.loss_scale),
                                                       static_cast<float>(span.grad_scale), span.weights[i + j]);
    return x <= largest && -x <= largest;
  };
  bool any_in_reach = false;
  for (int64_t j = 0; j < lanes; ++j) {
    if (!in_reach(j)) continue;
    any_in_reach = true;
    logits[j] = span.logits[i + j];
    targets[j] = span.targets ? span.targets[i + j] : 0.0f;
    weights[j] = span.weights ? span.weights[i + j] : 1.0f;
    upstream[j] = span.upstream ? span.upstream[i + j] : 1.0f;
  }
  double total = 0;
  if (any_in_reach) {
    const Float x = Load(logits);
    const Logits of = kGamma == kGammaReal && kTargets != kHard ? SharpLogitOf(x) : LogitOf(x);
    Sum sum;
    sum.Add(
        Vector<kTargets, kAnything, false>(part, of, 0, k, ParametersAt<kGamma>(part, k), class_bits, {}, Float(0.0f)));
    total = sum.Total();
  }
  for (int64_t j = 0; j < lanes; ++j) {
    if (in_reach(j)) {
      if (span.losses) span.losses[i + j] = losses[j];
      if (span.grad) span.grad[i + j] = grad[j];
    } else {
      total += ExactElement(span, i + j, span.table_step == 0 ? k : k + j, class_bits >> j & 1);
    }
  }
  return total;
}

}  // namespace rn::cpu::RN_ISA

#endif
