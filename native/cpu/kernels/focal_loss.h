// The focal loss of a run of logits, a chunk at a time: first the exponentials of the chunk, then what is made of them.
// Two short chains of dependent operations keep more vectors in flight than a long one.
#ifndef RETINANET_OPS_KERNELS_FOCAL_LOSS_H
#define RETINANET_OPS_KERNELS_FOCAL_LOSS_H

#include <cstdint>

#include "../../math/focal_loss.h"
#include "focal_vector.h"
#include "kernels.h"
#include "vector.h"

namespace rn::cpu::RN_ISA {

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
            const Float smaller = Load(scratch.smaller + i);
            losses = add({x, e, smaller, Float(1.0f) - smaller, Load(scratch.log1p_e + i), rest}, i, losses);
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
