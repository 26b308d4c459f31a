// The focal loss with everything: weights by row, parameters by class, soft targets. An element needs its row and class
// here, which one division finds for every kWidth of them.
#ifndef RETINANET_OPS_CUDA_FOCAL_GENERAL_H
#define RETINANET_OPS_CUDA_FOCAL_GENERAL_H

#include "focal_arguments.h"
#include "reduce.h"

namespace rn::cuda {

// A place in [rows, classes] and what its row says.
class FocalCursor {
 public:
  __device__ FocalCursor(const FocalArguments& p, const FocalScales& scales, int64_t i) : p_(p), scales_(scales) {
    row_ = (p.first + i) / p.classes;
    column_ = p.first + i - row_ * p.classes;
    ReadRow();
  }
  __device__ void Advance() {
    if (++column_ < p_.classes) return;
    column_ = 0;
    ++row_;
    fresh_ = false;
  }
  __device__ bool Ignored() {
    if (!fresh_) ReadRow();
    return ignored_;
  }
  __device__ bool BeginsPositiveRow() const { return column_ == 0 && !ignored_ && label_ >= 0; }
  // Whether float32 does for a logit of the row, of which Ignored has been asked.
  __device__ bool Reaches(float x) const { return InReach(x, largest_logit_); }
  // Of the element where the cursor is.
  __device__ FocalElement Element(float target, float upstream) const {
    return {p_.targets ? target : (label_ == column_ ? 1.0f : 0.0f), weight_, upstream};
  }
  __device__ RoundedFocalClass ByClass() const { return p_.by_class ? p_.by_class[column_] : p_.all; }
  __device__ const FocalClass& ExactClass() const { return p_.by_class ? p_.exact_by_class[column_] : p_.exact_all; }

 private:
  __device__ void ReadRow() {
    label_ = p_.labels ? p_.labels[row_] : RN_LABEL_BACKGROUND;
    weight_ = p_.weights ? p_.weights[row_] : 1.0f;
    ignored_ = weight_ == 0 || IsIgnored(label_, p_.classes);
    largest_logit_ = p_.weights ? LargestLogit(p_.limits, scales_.loss, scales_.grad, weight_) : scales_.largest_logit;
    fresh_ = true;
  }

  const FocalArguments& p_;
  const FocalScales& scales_;
  int64_t row_, column_;
  int32_t label_;
  float weight_, largest_logit_;
  bool ignored_, fresh_;
};

// An element within float32's reach. Targets of 0 and 1 go the same way whether labels or an array says so. cancelled:
// nothing is left of the slope's digits.
template <FocalGamma kGamma>
__device__ FocalTerm<Float> TermOf(const FocalArguments& p, float x, const FocalElement& element,
                                   const RoundedFocalClass& by_class, float& alpha, bool& cancelled) {
  const auto gamma = GammaOf<kGamma>(by_class);
  const float low = static_cast<float>(p.range.low);
  const float scale = static_cast<float>(p.range.high - p.range.low);
  const float t = std::fma(element.hard, scale, low), not_t = std::fma(1.0f - element.hard, scale, low);
  if (t > 0 && not_t > 0) {
    alpha = std::fma(t, by_class.class_weight, not_t * by_class.background_weight);
    const Logit<Float> logit = kGamma == kGammaReal ? SharpLogitOf(Float(x)) : LogitOf(Float(x));
    const SoftFocalTerm<Float> term = SoftFocalLoss(logit, Float(t), Float(not_t), gamma);
    cancelled = kCancelled * term.terms.v >= std::fabs(term.slope.v);
    return term;
  }
  const bool is_class = not_t <= 0;
  alpha = is_class ? by_class.class_weight : by_class.background_weight;
  FocalTerm<Float> term = HardFocalLoss(LogitOf(NegateWhere(is_class, Float(x))), gamma);
  term.slope = NegateWhere(is_class, term.slope);
  return term;
}

template <class T, FocalGamma kGamma>
class GeneralFocal {
 public:
  static constexpr int kWidth = 4, kRuns = kPerThread / kWidth;

  __device__ GeneralFocal(const FocalArguments& p, const FocalScales& scales) : p_(p), scales_(scales) {}

  // The elements [i, i + kWidth), as far as they are there; returns the sum of their losses.
  __device__ double Elements(int64_t i, int& positives) const {
    const bool whole = i >= 0 && i + kWidth <= p_.count;
    float x[kWidth] = {}, targets[kWidth] = {}, upstream[kWidth] = {};
    if (whole) {
      LoadRun(static_cast<const T*>(p_.logits) + i, true, x);
      if (p_.targets) LoadRun(p_.targets + i, p_.targets_aligned, targets);
      if (p_.upstream) LoadRun(p_.upstream + i, p_.upstream_aligned, upstream);
    }
    FocalCursor cursor(p_, scales_, max(i, static_cast<int64_t>(0)));
    unsigned careful = 0;    // not there, or out of float32's reach
    unsigned cancelled = 0;  // only the gradient is
    Float sum(0.0f);
    float losses[kWidth], grad[kWidth];
    RN_UNROLL for (int n = 0; n < kWidth; ++n) {
      losses[n] = grad[n] = 0;
      if (!whole) {
        careful = (1u << kWidth) - 1;
        continue;
      }
      if (!cursor.Ignored()) {
        positives += cursor.BeginsPositiveRow();
        if (cursor.Reaches(x[n])) {
          const FocalElement element = cursor.Element(targets[n], p_.upstream ? upstream[n] : 1.0f);
          if (Compute(element, cursor.ByClass(), x[n], sum, losses[n], grad[n]).has_cancelled) cancelled |= 1u << n;
        } else {
          careful |= 1u << n;
        }
      }
      cursor.Advance();
    }
    const unsigned alone = careful | cancelled;
    if (alone == 0) {
      if (p_.losses) StoreRun(p_.losses + i, p_.losses_aligned, losses);
      if (p_.grad) StoreRun(static_cast<T*>(p_.grad) + i, p_.grad_aligned, grad);
      return static_cast<double>(sum.v);
    }
    double total = static_cast<double>(sum.v);
    RN_UNROLL for (int n = 0; n < kWidth; ++n) {
      if (!(alone >> n & 1)) WriteElement<T>(p_, i + n, losses[n], grad[n]);
    }
    RN_KEEP_LOOP for (int n = 0; n < kWidth; ++n) {
      if (!(alone >> n & 1)) continue;
      const double loss = Careful(i + n, whole, positives);
      if (careful >> n & 1) total += loss;
    }
    return total;
  }

 private:
  struct Computed {
    float factor;        // of the slope, before it is scaled
    bool has_cancelled;  // nothing is left of the gradient's digits, and it is wanted
  };

  // Adds to the sum, and gives what is stored.
  __device__ Computed Compute(const FocalElement& element, const RoundedFocalClass& by_class, float x, Float& sum,
                              float& loss, float& grad) const {
    float alpha;
    bool cancelled = false;
    const FocalTerm<Float> term = TermOf<kGamma>(p_, x, element, by_class, alpha, cancelled);
    alpha *= element.weight;
    sum = Fma(term.weight * Float(alpha), term.ce, sum);
    loss = (term.weight * term.ce).v * (alpha * scales_.loss);
    grad = (term.weight * term.slope).v * (alpha * scales_.grad) * element.upstream;
    return {term.weight.v * alpha, cancelled && p_.grad};
  }

  // The gradient of a soft target in float64.
  __device__ float ExactGradient(const FocalElement& element, const RoundedFocalClass& by_class, float x,
                                 float factor) const {
    double gamma = static_cast<double>(kGamma);
    if constexpr (kGamma == kGammaReal) {
      gamma = static_cast<double>(by_class.gamma) + static_cast<double>(by_class.gamma_rest);
    }
    const double slope = SoftSlope(x, element.hard, p_.range, gamma);
    const double scale = scales_.exact_grad * static_cast<double>(element.upstream);
    return static_cast<float>(slope * static_cast<double>(factor) * scale);
  }

  // Element i by itself; `counted`: the row's beginning has been.
  __device__ double Careful(int64_t i, bool counted, int& positives) const {
    if (i < 0 || i >= p_.count) return 0;
    FocalCursor cursor(p_, scales_, i);
    if (cursor.Ignored()) {
      WriteElement<T>(p_, i, 0, 0);
      return 0;
    }
    if (!counted) positives += cursor.BeginsPositiveRow();
    const float x = ToFloat(static_cast<const T*>(p_.logits)[i]);
    const FocalElement element = cursor.Element(p_.targets ? p_.targets[i] : 0.0f, p_.upstream ? p_.upstream[i] : 1.0f);
    if (!cursor.Reaches(x)) {
      return ExactElement<T, kGamma>(p_, scales_, i, x, element, cursor.ExactClass());
    }
    Float sum(0.0f);
    float loss, grad;
    const Computed computed = Compute(element, cursor.ByClass(), x, sum, loss, grad);
    if (computed.has_cancelled) grad = ExactGradient(element, cursor.ByClass(), x, computed.factor);
    WriteElement<T>(p_, i, loss, grad);
    return static_cast<double>(sum.v);
  }

  const FocalArguments& p_;
  const FocalScales& scales_;
};

template <class T, FocalGamma kGamma>
__global__ void __launch_bounds__(kFocalThreads, kGamma == kGammaReal ? 4 : 6)
    GeneralFocalLoss(const FocalArguments p) {
  struct Shared {
    double sums[kFocalThreads];
    FocalScales scales;
    int positives;
  };
  RN_SHARED(Shared, shared);
  using Focal = GeneralFocal<T, kGamma>;
  if (threadIdx.x == 0) {
    shared.scales = ScalesOf(p);
    shared.positives = 0;
  }
  __syncthreads();
  const Focal focal(p, shared.scales);
  const int64_t begin = blockIdx.x * kFocalTile<T> - p.past_alignment + threadIdx.x * Focal::kWidth;
  double sum = 0;
  int positives = 0;
  RN_KEEP_LOOP for (int run = 0; run < kSteps<T> * Focal::kRuns; ++run) {
    const int64_t i = begin + run * kFocalThreads * Focal::kWidth;
    if (i > -Focal::kWidth && i < p.count) sum += focal.Elements(i, positives);
  }
  if (positives > 0) atomicAdd(&shared.positives, positives);
  sum = BlockSum<kFocalThreads>(shared.sums, sum);
  if (threadIdx.x == 0) {
    p.sums[blockIdx.x] = shared.scales.exact_loss * sum;
    if (p.counts) p.counts[blockIdx.x] = shared.positives;
  }
}

}  // namespace rn::cuda

#endif
