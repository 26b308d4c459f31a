// The focal loss as it is nearly always called: class labels, the same parameters for every class, no weights. What is
// not a background logit is rare, so a block first marks in shared memory where it is; then each thread looks at one
// word of marks for every kPerThread logits, and needs neither row nor class of any.
#ifndef RETINANET_OPS_CUDA_FOCAL_PLAIN_H
#define RETINANET_OPS_CUDA_FOCAL_PLAIN_H

#include "focal_marks.h"
#include "reduce.h"

namespace rn::cuda {

// A logit of type T. Those of 16 bits have few digits and gradients of 16 bits, and need fewer instructions. Their
// losses, of which only the sum is asked, are within 1.4e-6 (bfloat16) and 2e-6 (float16; 4e-6 below -14) even where
// both approximations miss by all they may.
template <class T>
__device__ Logit<Float> PlainLogitOf(Float x) {
  if constexpr (sizeof(T) == 4) {
    return LogitOf(x);
  } else {
    const Float e = QuickExpMinus<kDigits<T>>(x), larger(Reciprocal((Float(1.0f) + e).v));
    const Float smaller = e * larger;
    return {x, e, smaller, larger, LogOnePlus(e, smaller, Float(0.0f)), Float(0.0f)};
  }
}

// One thread's share of a tile.
template <class T, FocalGamma kGamma>
class PlainFocal {
 public:
  using Layout = FocalLayout<T>;
  using Tile = FocalTile<T>;
  static constexpr int kWidth = Layout::kWidth;

  __device__ PlainFocal(const FocalArguments& p, int64_t begin) : p_(p), begin_(begin) {
    inside_ = begin >= 0 && begin + kFocalTile<T> <= p.count;
  }

  // What all threads share, by one of them.
  static __device__ void Prepare(const FocalArguments& p, Tile& tile) {
    tile.scales = ScalesOf(p);
    tile.lean = !p.losses && !p.upstream && (!p.grad || p.grad_aligned);
    tile.positives = 0;
  }

  // Queues the loads of a step where they are not on their way. Runs that are not wholly there are left to Careful.
  __device__ void Load(int step) {
    if (is_ahead_) return;
    outside_ = 0;
    if (inside_) {
      RN_UNROLL for (int run = 0; run < Layout::kRuns; ++run) QueueRun(step, run);
      return;
    }
    RN_UNROLL for (int run = 0; run < Layout::kRuns; ++run) {
      const int64_t i = begin_ + Layout::RunStart(step, run);
      if (i >= 0 && i + kWidth <= p_.count) {
        QueueRun(step, run);
      } else {
        logits_[run] = {};
        outside_ |= Layout::kRunBits << run * kWidth;
      }
    }
  }

  // The sum of the losses of the step that was loaded. All threads of a warp come here together.
  __device__ double Step(int step, const Tile& tile) {
    const unsigned marks = tile.marks[step][threadIdx.x];
    is_ahead_ = false;
    bool in_reach = true;
    RN_UNROLL for (int n = 0; n < kPerThread; ++n) in_reach &= InReach(Logit(n), tile.scales.largest_logit);
    const bool plain = tile.lean && marks == 0 && outside_ == 0 && in_reach;
    // Most warps have nothing but background logits, and most of those none above 0, for which the formula is shortest.
    if (__all_sync(kAllLanes, plain && AllNegative())) return PlainRuns<false>(step, tile);
    if (__all_sync(kAllLanes, plain)) return PlainRuns<true>(step, tile);
    unsigned careful = marks >> kPerThread | outside_;
    if (!in_reach) {
      RN_UNROLL for (int n = 0; n < kPerThread; ++n) {
        careful |= InReach(Logit(n), tile.scales.largest_logit) ? 0u : 1u << n;
      }
    }
    double sum = 0;
    RN_UNROLL for (int run = 0; run < Layout::kRuns; ++run) {
      if (!(careful >> run * kWidth & Layout::kRunBits)) sum += MixedRun(step, run, tile, marks);
    }
    for (int run = 0; careful != 0; ++run, careful >>= kWidth) {
      if (careful & Layout::kRunBits) sum += Careful(step, run, tile, marks);
    }
    return sum;
  }

 private:
  __device__ void QueueRun(int step, int run) {
    logits_[run] = Run<T, kWidth>::Load(static_cast<const T*>(p_.logits) + begin_ + Layout::RunStart(step, run));
  }
  __device__ float Logit(int n) const { return logits_[n / kWidth][n % kWidth]; }
  __device__ bool AllNegative() const {
    uint32_t common = logits_[0].AllBits();
    RN_UNROLL for (int run = 1; run < Layout::kRuns; ++run) common &= logits_[run].AllBits();
    constexpr uint32_t kSigns = sizeof(T) == 4 ? 0x80000000u : 0x80008000u;
    return (common & kSigns) == kSigns;
  }

  // Background logits within reach, with nothing to write but the gradient; kAbove false: none above 0. What the next
  // step needs of a run is asked for as soon as this one is done with its registers.
  template <bool kAbove>
  __device__ double PlainRuns(int step, const Tile& tile) {
    is_ahead_ = inside_ && step + 1 < kSteps<T>;
    return p_.grad ? PlainRuns<kAbove, true>(step, tile) : PlainRuns<kAbove, false>(step, tile);
  }
  template <bool kAbove, bool kGrad>
  __device__ double PlainRuns(int step, const Tile& tile) {
    const auto gamma = GammaOf<kGamma>(p_.all);
    const float scale = p_.all.background_weight * tile.scales.grad;
    float total = 0;
    RN_UNROLL for (int run = 0; run < Layout::kRuns; ++run) {
      Float sum(0.0f);
      float grad[kWidth];
      RN_UNROLL for (int n = 0; n < kWidth; ++n) {
        const FocalTerm<Float> term = HardFocalLoss<kAbove>(PlainLogitOf<T>(Float(logits_[run][n])), gamma);
        sum = Fma(term.weight, term.ce, sum);
        grad[n] = (term.weight * term.slope).v * scale;
      }
      total += sum.v;
      if (kGrad) Run<T, kWidth>::Of(grad).Store(static_cast<T*>(p_.grad) + begin_ + Layout::RunStart(step, run));
      if (is_ahead_) QueueRun(step + 1, run);
    }
    return static_cast<double>(total * p_.all.background_weight);
  }

  // Logits of any kind within reach, the row's class among them, with everything there is to read and write.
  __device__ double MixedRun(int step, int run, const Tile& tile, unsigned marks) const {
    const auto gamma = GammaOf<kGamma>(p_.all);
    const int64_t i = begin_ + Layout::RunStart(step, run);
    Float sum(0.0f);
    float alpha[kWidth], losses[kWidth], grad[kWidth];
    RN_UNROLL for (int n = 0; n < kWidth; ++n) {
      const bool is_class = marks & 1u << (run * kWidth + n);
      const FocalTerm<Float> term = HardFocalLoss(LogitOf(NegateWhere(is_class, Float(logits_[run][n]))), gamma);
      alpha[n] = is_class ? p_.all.class_weight : p_.all.background_weight;
      sum = Fma(term.weight * Float(alpha[n]), term.ce, sum);
      losses[n] = (term.weight * term.ce).v;
      grad[n] = NegateWhere(is_class, term.weight * term.slope).v;
    }
    if (p_.losses) {
      RN_UNROLL for (int n = 0; n < kWidth; ++n) losses[n] *= alpha[n] * tile.scales.loss;
      StoreRun<float, kWidth>(p_.losses + i, p_.losses_aligned, losses);
    }
    if (p_.grad) {
      RN_UNROLL for (int n = 0; n < kWidth; ++n) grad[n] *= alpha[n] * tile.scales.grad;
      if (p_.upstream) {
        float upstream[kWidth];
        LoadRun<float, kWidth>(p_.upstream + i, p_.upstream_aligned, upstream);
        RN_UNROLL for (int n = 0; n < kWidth; ++n) grad[n] *= upstream[n];
      }
      StoreRun<T, kWidth>(static_cast<T*>(p_.grad) + i, p_.grad_aligned, grad);
    }
    return static_cast<double>(sum.v);
  }

  // A run with ignored elements, elements that are not there, or ones that float32 cannot reach.
  __device__ double Careful(int step, int run, const Tile& tile, unsigned marks) const {
    const auto gamma = GammaOf<kGamma>(p_.all);
    double sum = 0;
    RN_KEEP_LOOP for (int n = 0; n < kWidth; ++n) {
      const int64_t i = begin_ + Layout::RunStart(step, run) + n;
      const unsigned mark = marks >> (run * kWidth + n);
      if (i < 0 || i >= p_.count) continue;
      if (mark >> kPerThread & 1) {
        WriteElement<T>(p_, i, 0, 0);
        continue;
      }
      const bool is_class = mark & 1;
      const float x = ToFloat(static_cast<const T*>(p_.logits)[i]);
      const float upstream = p_.upstream ? p_.upstream[i] : 1.0f;
      if (InReach(x, tile.scales.largest_logit)) {
        const FocalTerm<Float> term = HardFocalLoss(LogitOf(NegateWhere(is_class, Float(x))), gamma);
        const float alpha = is_class ? p_.all.class_weight : p_.all.background_weight;
        WriteElement<T>(p_, i, (term.weight * term.ce).v * (alpha * tile.scales.loss),
                        (term.weight * term.slope).v * ((is_class ? -alpha : alpha) * tile.scales.grad) * upstream);
        sum += static_cast<double>((term.weight * Float(alpha) * term.ce).v);
      } else {
        sum += ExactElement<T, kGamma>(p_, tile.scales, i, x, {is_class ? 1.0f : 0.0f, 1.0f, upstream}, p_.exact_all);
      }
    }
    return sum;
  }

  const FocalArguments& p_;
  int64_t begin_;
  bool inside_;
  Run<T, kWidth> logits_[Layout::kRuns];
  unsigned outside_;
  bool is_ahead_ = false;  // the next step is being loaded
};

// How many blocks a multiprocessor holds, which decides what registers a thread may take: as many as spill none. More
// of them hide more of what instructions wait for.
#ifdef __CUDA_ARCH__
constexpr int kComputeCapability = __CUDA_ARCH__ / 10;
#else
constexpr int kComputeCapability = 0;
#endif
template <class T, FocalGamma kGamma>
constexpr int ResidentFocalBlocks() {
  constexpr bool kIsFloat = sizeof(T) == 4, kIsOlder = kComputeCapability < 100;
  if (kGamma == kGammaReal) return kIsFloat && kIsOlder ? 6 : 5;
  if (kGamma == kGamma2 && !kIsFloat && kComputeCapability == 90) return 8;
  return kGamma == kGamma2 && kIsFloat && kIsOlder ? 7 : 6;
}

template <class T, FocalGamma kGamma>
__global__ void __launch_bounds__(kFocalThreads, ResidentFocalBlocks<T, kGamma>())
    PlainFocalLoss(const FocalArguments p) {
  RN_SHARED(FocalTile<T>, tile);
  const int64_t begin = blockIdx.x * kFocalTile<T> - p.past_alignment;
  PlainFocal<T, kGamma> focal(p, begin);
  focal.Load(0);
  for (int step = 0; step < kSteps<T>; ++step) tile.marks[step][threadIdx.x] = 0;
  if (threadIdx.x == 0) PlainFocal<T, kGamma>::Prepare(p, tile);
  MarkRows(p, begin, tile);
  __syncthreads();
  double sum = 0;
  RN_KEEP_LOOP for (int step = 0; step < kSteps<T>; ++step) {
    sum += focal.Step(step, tile);
    if (step + 1 < kSteps<T>) focal.Load(step + 1);
  }
  sum = BlockSum<kFocalThreads>(tile.sums, sum);
  if (threadIdx.x == 0) {
    p.sums[blockIdx.x] = tile.scales.exact_loss * sum;
    if (p.counts) p.counts[blockIdx.x] = tile.positives;
  }
}

}  // namespace rn::cuda

#endif
