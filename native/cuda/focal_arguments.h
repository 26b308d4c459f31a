// What the kernels of the focal loss are given, and what both of them do with one element.
#ifndef RETINANET_OPS_CUDA_FOCAL_ARGUMENTS_H
#define RETINANET_OPS_CUDA_FOCAL_ARGUMENTS_H

#include "../backend/backend.h"
#include "../math/exact_focal_loss.h"
#include "../math/focal_loss.h"
#include "../math/normalizer.h"
#include "device_float.h"
#include "vector_access.h"

namespace rn::cuda {

// A tile is what a block sums: a few steps, in each of which every thread has kPerThread elements. Kernels of 16-bit
// logits are bound by instructions, and of a longer tile fewer go into its beginning and end; those of float32 are
// bound by memory, which is slower where a block writes more of it. Small blocks wait less for each other
// (bench/cuda/HOPPER.md).
constexpr int kFocalThreads = 128, kPerThread = 16;
constexpr int kFocalStep = kFocalThreads * kPerThread;
constexpr int64_t FocalTileOf(int64_t element_bytes) { return (element_bytes == 4 ? 4 : 16) * int64_t{kFocalStep}; }
template <class T>
constexpr int64_t kFocalTile = FocalTileOf(sizeof(T));
template <class T>
constexpr int kSteps = static_cast<int>(kFocalTile<T> / kFocalStep);

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
  const RoundedFocalClass* by_class;                                     // [classes], or null: `all`
  const FocalClass* exact_by_class;                                      // the same in float64
  RoundedFocalClass all;
  FocalClass exact_all;
  FocalLimits limits;
  TargetRange range;
  double normalizer;
  const double* num_positive;  // or what else divides, 0 counting as 1; null: normalizer is all
  const float* grad_output;    // optional, one for all
  double* sums;                // by tile
  double* counts;              // optional, by tile: positive rows that begin there
};

struct FocalScales {
  double exact_loss, exact_grad;
  float loss, grad;
  float largest_logit;  // magnitude up to which float32 does; beyond and for NaN it is float64
};

__device__ inline FocalScales ScalesOf(const FocalArguments& p) {
  const double positives = p.num_positive ? DivisorOf(*p.num_positive) : 1.0;
  const double scale = 1 / (p.normalizer * positives);
  const double grad = p.grad_output ? scale * static_cast<double>(*p.grad_output) : scale;
  const float loss32 = static_cast<float>(scale), grad32 = static_cast<float>(grad);
  return {scale, grad, loss32, grad32, LargestLogit(p.limits, loss32, grad32)};
}

__device__ inline bool InReach(float x, float largest) { return std::fabs(x) <= largest; }  // NaN is not

__device__ inline bool IsIgnored(int32_t label, int64_t classes) {
  return label < RN_LABEL_BACKGROUND || label >= classes;
}

// What is known of one element; `hard` is its target before smoothing.
struct FocalElement {
  float hard, weight, upstream;
};

template <class T>
__device__ void WriteElement(const FocalArguments& p, int64_t i, float loss, float grad) {
  if (p.losses) p.losses[i] = loss;
  if (p.grad) static_cast<T*>(p.grad)[i] = FromFloat<T>(grad);
}

// Element i in float64, written; returns its loss.
template <class T, FocalGamma kGamma>
__device__ double ExactElement(const FocalArguments& p, const FocalScales& scales, int64_t i, float x,
                               const FocalElement& element, const FocalClass& of_class) {
  // An integer that is known here spares these kernels logarithms.
  const double gamma = kGamma == kGammaReal ? of_class.gamma : static_cast<double>(kGamma);
  const FocalLossAndGrad term = FocalLossOf(x, element.hard, p.range, of_class, gamma);
  const double weight = static_cast<double>(element.weight);
  const double loss = weight * term.loss, grad = static_cast<double>(element.upstream) * weight * term.grad;
  WriteElement<T>(p, i, static_cast<float>(scales.exact_loss * loss), static_cast<float>(scales.exact_grad * grad));
  return loss;
}

// The type of the exponent that a kernel is made for.
template <FocalGamma kGamma>
__device__ auto GammaOf(const RoundedFocalClass& by_class) {
  if constexpr (kGamma == kGammaReal) {
    return RealGamma<Float>{Float(by_class.gamma), Float(by_class.gamma_rest)};
  } else {
    return IntegerGamma<Float, static_cast<int>(kGamma)>{};
  }
}

}  // namespace rn::cuda

#endif
