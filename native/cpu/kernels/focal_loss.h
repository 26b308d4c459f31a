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

using Logits = Logit<Float>;

// FocalTerms by the logit, and alpha_t.
struct BalancedTerm {
  FocalTerm<Float> term;
  Float alpha;
};

template <class Gamma>
RN_HD BalancedTerm HardTerm(const Logits& logits, Mask is_class, const Parameters<Gamma>& at, const FocalSpan& span,
                            int64_t k) {
  FocalTerm<Float> term = HardFocalLoss(
      Logits{NegateWhere(is_class, logits.x), logits.e, logits.smaller, logits.log1p_e, logits.e_rest}, at.gamma);
  term.slope = NegateWhere(is_class, term.slope);
  return {term, Select(is_class, Load(span.class_weight + k), at.background_weight)};
}

template <class Gamma>
RN_HD BalancedTerm BackgroundTerm(const Logits& logits, const Parameters<Gamma>& at) {
  return {HardFocalLoss(logits, at.gamma), at.background_weight};
}

template <class Gamma>
RN_HD BalancedTerm SoftTerm(const Logits& logits, Float t, Float not_t, const Parameters<Gamma>& at,
                            const FocalSpan& span, int64_t k) {
  return {SoftFocalLoss(logits, t, not_t, at.gamma), Fma(t, Load(span.class_weight + k), not_t * at.background_weight)};
}

// Targets of 0 and 1 among the dense ones go the way of class labels: both spellings give an element the same bits.
template <class Gamma>
RN_HD BalancedTerm DenseTerm(const Logits& logits, Float target, const Parameters<Gamma>& at, const FocalSpan& span,
                             int64_t k) {
  const Float low(static_cast<float>(span.background_target));
  const Float scale(static_cast<float>(span.class_target - span.background_target));
  const Float t = Fma(target, scale, low);
  const Float not_t = Fma(Float(1.0f) - target, scale, low);
  const Mask one = Float(0.0f) >= not_t;
  const Mask hard = one | (Float(0.0f) >= t);
  const BalancedTerm of_class = HardTerm(logits, one, at, span, k);
  if (All(hard)) return of_class;
  const BalancedTerm of_share = SoftTerm(logits, t, not_t, at, span, k);
  const FocalTerm<Float>&a = of_class.term, &b = of_share.term;
  return {{Select(hard, a.weight, b.weight), Select(hard, a.ce, b.ce), Select(hard, a.slope, b.slope)},
          Select(hard, of_class.alpha, of_share.alpha)};
}

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
RN_HD Float Vector(const FocalSpan& span, const Logits& logits, int64_t i, int64_t k, const Parameters<Gamma>& at,
                   uint32_t class_bits, Scales scales, Float losses) {
  BalancedTerm balanced;
  if constexpr (kTargets == kDense) {
    balanced = DenseTerm(logits, Load(span.targets + i), at, span, k);
  } else if constexpr (kTargets == kHard) {
    balanced = class_bits == 0 ? BackgroundTerm(logits, at) : HardTerm(logits, MaskOf(class_bits), at, span, k);
  } else {
    Float t(static_cast<float>(span.background_target)), not_t(static_cast<float>(span.class_target));
    if (class_bits != 0) SwapWhere(MaskOf(class_bits), t, not_t);
    balanced = SoftTerm(logits, t, not_t, at, span, k);
  }
  const FocalTerm<Float>& term = balanced.term;
  Float weight = term.weight;
  if (kWanted == kAnything && span.weights) weight = weight * Load(span.weights + i);
  if constexpr (!kAlphaApart) scales = ScalesWith(balanced.alpha, span);
  if (kWanted == kAnything && span.losses) Store(span.losses + i, weight * term.ce * scales.loss);
  if (kWanted == kSumAndGrad || (kWanted == kAnything && span.grad)) {
    Float grad = weight * term.slope * scales.grad;
    if (kWanted == kAnything && span.upstream) grad = grad * Load(span.upstream + i);
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
  const double hard = span.targets ? static_cast<double>(span.targets[i]) : static_cast<double>(is_class);
  const double scale = span.class_target - span.background_target;
  const double t = span.background_target + hard * scale, not_t = span.background_target + (1 - hard) * scale;
  const FocalClass& of_class = span.by_class[k % span.number_of_classes];
  const FocalLossAndGrad term =
      FocalLossOf(static_cast<double>(span.logits[i]), t, not_t, of_class.gamma, of_class.Alpha(t, not_t));
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

// One vector after the other. A quotient is the slowest of the operations: it begins two vectors before it is used, so
// that what waits for it does not keep later work out of the processor's queues.
class Ahead {
 public:
  RN_ALWAYS_INLINE Ahead(const float* logits, const float* exponentials)
      : logits_(logits), exponentials_(exponentials), next_(Following()), after_(Following()) {}
  RN_ALWAYS_INLINE Logits Next() {
    const Share here = next_;
    next_ = after_;
    after_ = Following();
    const Logits result = LogitOf(Load(logits_), here.e, here.smaller);
    logits_ += Float::kLanes;
    return result;
  }

 private:
  struct Share {
    Float e, smaller;
  };
  RN_ALWAYS_INLINE Share Following() {
    const Float e = Load(exponentials_);
    exponentials_ += Float::kLanes;
    return {e, SmallerShare(e)};
  }

  const float *logits_, *exponentials_;
  Share next_, after_;
};

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
  static constexpr int64_t kPrefetch = 512;      // elements: the processor's own prefetching ends with each page
  static constexpr int64_t kGroup = 8 * kLanes;  // as many are added up in float32 before they are in float64

  static constexpr bool kWithRest = kGamma == kGammaReal && kTargets != kHard;

  // What Logits are made of, for a chunk.
  struct Scratch {
    alignas(64) float e[FocalSpan::kChunk + 2 * kLanes];  // two more, which Ahead reads
    alignas(64) float smaller[FocalSpan::kChunk];         // these for real powers alone, whose chains of dependent
    alignas(64) float log1p_e[FocalSpan::kChunk];         // operations are so long that they are cut once more
    alignas(64) float e_rest[kWithRest ? FocalSpan::kChunk : 1];  // and of soft targets
  };

  // Whole vectors of at most a chunk, k the index of the first into the tables.
  void Chunk(int64_t first, int64_t count, int64_t k) {
    Scratch scratch;
    Store(scratch.e + count, Float(0.0f));
    Store(scratch.e + count + kLanes, Float(0.0f));
    const float* const logits = span_.logits + first;
    const Float largest(span_.largest_logit);
    Float farthest(0.0f);
    RN_UNROLL_BY_8
    for (int64_t i = 0; i < count; i += kLanes) {
      Prefetch(logits + i, kPrefetch);
      const Float magnitude = Abs(Load(logits + i));
      farthest = LargerMagnitude(farthest, magnitude);
      if constexpr (kWithRest) {
        Float rest;
        Store(scratch.e + i, ExpMinus(magnitude, &rest));
        Store(scratch.e_rest + i, rest);
      } else {
        Store(scratch.e + i, ExpMinus(magnitude));
      }
    }
    if (!All(largest >= farthest)) return SearchFarLogits(first, count, k);
    if (span_.weights || span_.losses || span_.upstream) {
      Vectors<kAnything>(scratch, first, count, k);
    } else if (span_.grad) {
      Vectors<kSumAndGrad>(scratch, first, count, k);
    } else {
      Vectors<kSum>(scratch, first, count, k);
    }
  }

  template <Wanted kWanted>
  RN_ALWAYS_INLINE void Vectors(Scratch& scratch, int64_t first, int64_t count, int64_t k) {
    if constexpr (kGamma == kGammaReal) {
      RN_UNROLL_BY_8
      for (int64_t i = 0; i < count; i += kLanes) {
        const Float e = Load(scratch.e + i), smaller = SmallerShare(e);
        if (kWanted != kSum || kTargets != kHard) Store(scratch.smaller + i, smaller);
        Store(scratch.log1p_e + i, LogOnePlus(e, smaller, Float(0.0f)));
      }
    }
    const int64_t step = span_.table_step;
    for (int64_t i = 0; i < count;) {
      // Hardly any group of vectors has an element that is its row's class.
      int64_t next = i;
      if constexpr (kTargets != kDense) {
        const int64_t background = *next_class_ - (first + i);
        next += (background < count - i ? background : count - i) / kGroup * kGroup;
      }
      if (next > i && step == 0) {
        Groups<kWanted, true, true>(scratch, first, i, next, k);
      } else if (next > i) {
        Groups<kWanted, true, false>(scratch, first, i, next, k + step * i);
      } else {
        next = count - i < kGroup ? count : i + kGroup;
        Groups<kWanted, false, false>(scratch, first, i, next, k + step * i);
      }
      i = next;
    }
  }

  // The vectors from `from` to `to`, k the index of the first into the tables. kBackground: none of their elements is
  // its row's class. kUniform: one value for all classes.
  template <Wanted kWanted, bool kBackground, bool kUniform>
  RN_ALWAYS_INLINE void Groups(const Scratch& scratch, int64_t first, int64_t from, int64_t to, int64_t k) {
    const FocalSpan span = span_;  // of this function alone: no store can change it
    const float* const logits = span.logits + first;
    auto at = ParametersAt<kGamma>(span, k);
    constexpr bool kAlphaApart = kBackground && kUniform && kTargets == kHard;
    constexpr bool kAhead = kBackground && kTargets == kHard && kGamma != kGammaReal && kWanted != kAnything;
    const Scales scales = ScalesWith(at.background_weight, span);
    Sum sum = sum_;
    const auto add = [&](const Logits& of, int64_t j, Float losses) {
      if constexpr (!kUniform) at = ParametersAt<kGamma>(span, k);
      const uint32_t class_bits = kBackground ? 0 : ClassBits(first + j, kLanes);
      losses = Vector<kTargets, kWanted, kAlphaApart>(span, of, first + j, k, at, class_bits, scales, losses);
      k += span.table_step * kLanes;
      return losses;
    };
    Ahead ahead(logits + from, scratch.e + from);
    for (int64_t i = from; i < to;) {
      Float losses(0.0f);
      if constexpr (kAhead) {
        RN_UNROLL_BY_8
        for (int64_t j = 0; j < kGroup; j += kLanes) losses = add(ahead.Next(), i + j, losses);
        i += kGroup;
      } else {
        const int64_t end = !kBackground && to - i < kGroup ? to : i + kGroup;
        RN_NO_UNROLL
        for (; i < end; i += kLanes) {
          const Float x = Load(logits + i), e = Load(scratch.e + i);
          if constexpr (kGamma == kGammaReal) {
            const Float rest = kWithRest ? Load(scratch.e_rest + i) : Float(0.0f);
            losses = add({x, e, Load(scratch.smaller + i), Load(scratch.log1p_e + i), rest}, i, losses);
          } else {
            losses = add(LogitOf(x, e, SmallerShare(e)), i, losses);
          }
        }
      }
      sum.Add(kAlphaApart ? losses * at.background_weight : losses);
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
