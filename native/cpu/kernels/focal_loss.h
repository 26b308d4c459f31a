// The focal loss of a run of logits, a chunk at a time: first the exponentials of the chunk, then what is made of them.
// Two short chains of dependent operations keep more vectors in flight than a long one.
#ifndef RETINANET_OPS_KERNELS_FOCAL_LOSS_H
#define RETINANET_OPS_KERNELS_FOCAL_LOSS_H

#include <cstdint>
#include <type_traits>

#include "../../math/focal_loss.h"
#include "kernels.h"
#include "vector.h"

namespace rn::cpu::RN_ISA {

RN_HD bool All(Mask m) { return Bits(m) == (1u << Float::kLanes) - 1; }

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

// FocalTerms by the logit, alpha_t included in the weight.
template <class Gamma>
RN_HD FocalTerm<Float> HardTerm(Float x, Float e, Mask is_class, const Parameters<Gamma>& at, const FocalSpan& span,
                                int64_t k) {
  const FocalTerm<Float> term = HardFocalLoss(NegateWhere(is_class, x), e, at.gamma);
  const Float alpha = Select(is_class, Load(span.class_weight + k), at.background_weight);
  return {term.weight * alpha, term.ce, NegateWhere(is_class, term.slope)};
}

template <class Gamma>
RN_HD FocalTerm<Float> BackgroundTerm(Float x, Float e, const Parameters<Gamma>& at) {
  const FocalTerm<Float> term = HardFocalLoss(x, e, at.gamma);
  return {term.weight * at.background_weight, term.ce, term.slope};
}

template <class Gamma>
RN_HD FocalTerm<Float> SoftTerm(Float x, Float e, Float t, Float not_t, const Parameters<Gamma>& at,
                                const FocalSpan& span, int64_t k) {
  const FocalTerm<Float> term = SoftFocalLoss(x, e, t, not_t, at.gamma);
  const Float alpha = Fma(t, Load(span.class_weight + k), not_t * at.background_weight);
  return {term.weight * alpha, term.ce, term.slope};
}

// Targets of 0 and 1 among the dense ones go the way of class labels: both spellings give the same bits.
template <class Gamma>
RN_HD FocalTerm<Float> DenseTerm(Float x, Float e, Float target, const Parameters<Gamma>& at, const FocalSpan& span,
                                 int64_t k) {
  const Float low(static_cast<float>(span.background_target));
  const Float scale(static_cast<float>(span.class_target - span.background_target));
  const Float t = Fma(target, scale, low);
  const Float not_t = Fma(Float(1.0f) - target, scale, low);
  const Mask one = Float(0.0f) >= not_t;
  const Mask hard = one | (Float(0.0f) >= t);
  const FocalTerm<Float> term = HardTerm(x, e, one, at, span, k);
  if (All(hard)) return term;
  const FocalTerm<Float> soft = SoftTerm(x, e, t, not_t, at, span, k);
  return {Select(hard, term.weight, soft.weight), Select(hard, term.ce, soft.ce), Select(hard, term.slope, soft.slope)};
}

// What a span asks for: its sum, the gradient as well, or whatever its pointers say.
enum Wanted { kSum, kSumAndGrad, kAnything };

// The vector of elements from i on; e = exp(-|logit|), k their index into the tables, `at` what those say there,
// class_bits the lanes that are their row's class. Returns their losses.
template <FocalTargets kTargets, Wanted kWanted, class Gamma>
RN_HD Float Vector(const FocalSpan& span, Float x, Float e, int64_t i, int64_t k, const Parameters<Gamma>& at,
                   uint32_t class_bits) {
  FocalTerm<Float> term;
  if constexpr (kTargets == kDense) {
    term = DenseTerm(x, e, Load(span.targets + i), at, span, k);
  } else if constexpr (kTargets == kHard) {
    term = class_bits == 0 ? BackgroundTerm(x, e, at) : HardTerm(x, e, MaskOf(class_bits), at, span, k);
  } else {
    Float t(static_cast<float>(span.background_target)), not_t(static_cast<float>(span.class_target));
    if (class_bits != 0) SwapWhere(MaskOf(class_bits), t, not_t);
    term = SoftTerm(x, e, t, not_t, at, span, k);
  }
  if (kWanted == kAnything && span.weights) term.weight = term.weight * Load(span.weights + i);
  const Float loss = term.weight * term.ce;
  if (kWanted == kAnything && span.losses) Store(span.losses + i, loss * Float(span.loss_scale));
  if (kWanted == kSumAndGrad || (kWanted == kAnything && span.grad)) {
    Float grad = term.weight * term.slope * Float(span.grad_scale);
    if (kWanted == kAnything && span.upstream) grad = grad * Load(span.upstream + i);
    if (span.stream) {
      Stream(span.grad + i, grad);
    } else {
      Store(span.grad + i, grad);
    }
  }
  return loss;
}

// One element in float64; returns its loss.
RN_NOINLINE double ExactElement(const FocalSpan& span, int64_t i, int64_t k, bool is_class) {
  const double hard = span.targets ? static_cast<double>(span.targets[i]) : static_cast<double>(is_class);
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
  const auto in_reach = [&](float x) { return x <= span.largest_logit && -x <= span.largest_logit; };
  for (int64_t j = 0; j < lanes; ++j) {
    if (!in_reach(span.logits[i + j])) continue;
    logits[j] = span.logits[i + j];
    targets[j] = span.targets ? span.targets[i + j] : 0.0f;
    weights[j] = span.weights ? span.weights[i + j] : 1.0f;
    upstream[j] = span.upstream ? span.upstream[i + j] : 1.0f;
  }
  const Float x = Load(logits);
  Sum sum;
  sum.Add(Vector<kTargets, kAnything>(part, x, ExpMinus(Abs(x)), 0, k, ParametersAt<kGamma>(part, k), class_bits));
  double total = sum.Total();
  for (int64_t j = 0; j < lanes; ++j) {
    if (in_reach(span.logits[i + j])) {
      if (span.losses) span.losses[i + j] = losses[j];
      if (span.grad) span.grad[i + j] = grad[j];
    } else {
      total += ExactElement(span, i + j, span.table_step == 0 ? k : k + j, class_bits >> j & 1);
    }
  }
  return total;
}

template <FocalTargets kTargets, FocalGamma kGamma>
class SpanSum {
 public:
  explicit SpanSum(const FocalSpan& span) : span_(span), next_class_(span.classes) {
    int64_t k = span.table_index;
    for (int64_t first = 0; first < span.count; first += FocalSpan::kChunk) {
      const int64_t rest = span.count - first, count = rest < FocalSpan::kChunk ? rest : FocalSpan::kChunk;
      const int64_t whole = count - count % kLanes;
      if (whole > 0) Chunk(first, whole, k);
      if (whole < count) Careful(first + whole, k + span.table_step * whole, count - whole);
      k += span.table_step * FocalSpan::kChunk;
      if (k >= span.table_period) k -= span.table_period;
    }
  }
  double Total() const { return sum_.Total() + careful_; }

 private:
  static constexpr int64_t kLanes = Float::kLanes;
  static constexpr int64_t kGroup = 8 * kLanes;  // as many are added up in float32 before they are in float64

  // Whole vectors of at most a chunk, k the index of the first into the tables.
  void Chunk(int64_t first, int64_t count, int64_t k) {
    alignas(64) float exponentials[FocalSpan::kChunk];
    const float* const logits = span_.logits + first;
    const Float largest(span_.largest_logit);
    Mask in_reach = largest >= Float(0.0f);
    for (int64_t i = 0; i < count; i += kLanes) {
      const Float magnitude = Abs(Load(logits + i));
      in_reach = in_reach & (largest >= magnitude);
      Store(exponentials + i, ExpMinus(magnitude));
    }
    if (!All(in_reach)) return SearchFarLogits(first, count, k);
    if (span_.weights || span_.losses || span_.upstream) {
      Vectors<kAnything>(exponentials, first, count, k);
    } else if (span_.grad) {
      Vectors<kSumAndGrad>(exponentials, first, count, k);
    } else {
      Vectors<kSum>(exponentials, first, count, k);
    }
  }

  template <Wanted kWanted>
  RN_ALWAYS_INLINE void Vectors(const float* exponentials, int64_t first, int64_t count, int64_t k) {
    const int64_t step = span_.table_step;
    for (int64_t i = 0; i < count;) {
      // Hardly any group of vectors has an element that is its row's class.
      int64_t next = i;
      if constexpr (kTargets != kDense) {
        const int64_t background = *next_class_ - (first + i);
        next += (background < count - i ? background : count - i) / kGroup * kGroup;
      }
      if (next > i && step == 0) {
        Groups<kWanted, true, true>(exponentials, first, i, next, k);
      } else if (next > i) {
        Groups<kWanted, true, false>(exponentials, first, i, next, k + step * i);
      } else {
        next = count - i < kGroup ? count : i + kGroup;
        Groups<kWanted, false, false>(exponentials, first, i, next, k + step * i);
      }
      i = next;
    }
  }

  // The vectors from `from` to `to`, k the index of the first into the tables. kBackground: none of their elements is
  // its row's class. kUniform: one value for all classes.
  template <Wanted kWanted, bool kBackground, bool kUniform>
  RN_ALWAYS_INLINE void Groups(const float* exponentials, int64_t first, int64_t from, int64_t to, int64_t k) {
    const FocalSpan span = span_;  // of this function alone: no store can change it
    const float* const logits = span.logits + first;
    auto at = ParametersAt<kGamma>(span, k);
    Sum sum = sum_;
    for (int64_t i = from; i < to;) {
      const int64_t end = !kBackground && to - i < kGroup ? to : i + kGroup;
      Float losses(0.0f);
      RN_NO_UNROLL
      for (; i < end; i += kLanes, k += span.table_step * kLanes) {
        if constexpr (!kUniform) at = ParametersAt<kGamma>(span, k);
        losses = losses + Vector<kTargets, kWanted>(span, Load(logits + i), Load(exponentials + i), first + i, k, at,
                                                    kBackground ? 0 : ClassBits(first + i, kLanes));
      }
      sum.Add(losses);
    }
    sum_ = sum;
  }

  // Halves the chunk until what is not within reach stands alone.
  RN_NOINLINE_MEMBER void SearchFarLogits(int64_t first, int64_t count, int64_t k) {
    if (count == kLanes) return Careful(first, k, kLanes);
    const int64_t half = count / kLanes / 2 * kLanes;
    Chunk(first, half, k);
    Chunk(first + half, count - half, k + span_.table_step * half);
  }

  void Careful(int64_t i, int64_t k, int64_t lanes) {
    careful_ += CarefulVector<kTargets, kGamma>(span_, i, k, lanes, ClassBits(i, lanes));
  }

  // The lanes among the elements [i, i + lanes) that are their row's class; i only rises.
  RN_ALWAYS_INLINE uint32_t ClassBits(int64_t i, int64_t lanes) {
    uint32_t bits = 0;
    if constexpr (kTargets != kDense) {
      while (*next_class_ < i + lanes) bits |= uint32_t{1} << (*next_class_++ - i);
    }
    return bits;
  }

  Sum sum_;
  const FocalSpan& span_;
  const int32_t* next_class_;
  double careful_ = 0;
};

template <FocalTargets kTargets, FocalGamma kGamma>
double FocalLossOfSpan(const FocalSpan& span) {
  return SpanSum<kTargets, kGamma>(span).Total();
}

}  // namespace rn::cpu::RN_ISA

#endif
