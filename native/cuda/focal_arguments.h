// What the kernels of the focal loss are given, and what both of them do with one element.
#ifndef RETINANET_OPS_CUDA_FOCAL_ARGUMENTS_H
#define RETINANET_OPS_CUDA_FOCAL_ARGUMENTS_H

#include "../backend/backend.h"
#include "../math/focal_loss.h"
#include "device_float.h"
#include "vector_access.h"

namespace rn::cuda {

enum FocalGamma { kGamma0, kGamma1, kGamma2, kGammaReal };  // an integer's value is its own

// A tile is what a block sums: kSteps times kPerThread elements for each of its threads.
constexpr int kFocalThreads = 256, kPerThread = 16, kSteps = 4;
constexpr int kFocalStep = kFocalThreads * kPerThread;
constexpr int64_t kFocalTile = int64_t{kSteps} * kFocalStep;

// Of what is by class there is one table or one number; of a table's values the first `classes` are of the first kind.
struct FocalByClass {
  float background_weight, class_weight;  // 1 - alpha and alpha
  float gamma, gamma_rest;                // rounded, and what rounding left
};

// Elements [first, first + count) of all; the arrays by element begin at the first of them, those by row at row 0.
struct FocalArguments {
  const void* logits;
  void* grad;             // optional
  float* losses;          // optional
  const float* targets;   // or labels
  const float* upstream;  // optional, by element
  const int32_t* labels;
  const float* weights;  // optional, by row
  int64_t first, count, classes;
  int past_alignment;                                                    // of the logits, in elements
  bool grad_aligned, losses_aligned, targets_aligned, upstream_aligned;  // where the logits are
  const FocalByClass* by_class;                                          // [classes], or null: `all`
  FocalByClass all;
  float largest_logit;                     // magnitude up to which float32 does; beyond and for NaN it is float64
  double background_target, class_target;  // 0 and 1, or smoothed
  double normalizer;
  const double* num_positive;  // null: normalizer is all
  const float* grad_output;    // optional, one for all
  double* sums;                // by tile
  double* counts;              // optional, by tile: positive rows that begin there
};

struct FocalScales {
  double sum;
  float loss, grad;
};

__device__ inline FocalScales ScalesOf(const FocalArguments& p) {
  const double positives = p.num_positive ? rn::Max(*p.num_positive, 1.0) : 1.0;
  const double scale = 1 / (p.normalizer * positives);
  const double upstream = p.grad_output ? static_cast<double>(*p.grad_output) : 1.0;
  return {scale, static_cast<float>(scale), static_cast<float>(scale * upstream)};
}

__device__ inline bool InReach(float x, float largest) { return std::fabs(x) <= largest; }  // NaN is not

__device__ inline bool IsIgnored(int32_t label, int64_t classes) {
  return label < RN_LABEL_BACKGROUND || label >= classes;
}

// What is known of one element; `hard` is its target before smoothing.
struct FocalElement {
  float hard, weight, upstream;
  FocalByClass by_class;
};

template <class T>
__device__ void WriteElement(const FocalArguments& p, int64_t i, float loss, float grad) {
  if (p.losses) p.losses[i] = loss;
  if (p.grad) static_cast<T*>(p.grad)[i] = FromFloat<T>(grad);
}

// Element i in float64, written; returns its loss.
template <class T, FocalGamma kGamma>
__device__ double ExactElement(const FocalArguments& p, const FocalScales& scales, int64_t i, float x,
                               const FocalElement& element) {
  const double t = p.background_target + static_cast<double>(element.hard) * (p.class_target - p.background_target);
  const double alpha_t = t * static_cast<double>(element.by_class.class_weight) +
                         (1 - t) * static_cast<double>(element.by_class.background_weight);
  double gamma = static_cast<double>(element.by_class.gamma) + static_cast<double>(element.by_class.gamma_rest);
  if constexpr (kGamma != kGammaReal) gamma = static_cast<double>(kGamma);  // known here, it spares these kernels pow
  const FocalLossAndGrad term = FocalLossOf(static_cast<double>(x), t, gamma, alpha_t);
  const double weight = static_cast<double>(element.weight);
  const double loss = weight * term.loss, grad = static_cast<double>(element.upstream) * weight * term.grad;
  WriteElement<T>(p, i, static_cast<float>(static_cast<double>(scales.loss) * loss),
                  static_cast<float>(static_cast<double>(scales.grad) * grad));
  return loss;
}

// The type of the exponent that a kernel is made for.
template <FocalGamma kGamma>
__device__ auto GammaOf(const FocalByClass& by_class) {
  if constexpr (kGamma == kGammaReal) {
    return RealGamma<Float>{Float(by_class.gamma), Float(by_class.gamma_rest)};
  } else {
    return IntegerGamma<Float, static_cast<int>(kGamma)>{};
  }
}

}  // namespace rn::cuda

#endif
