// The losses of a regression for a run of rows, some of them at a time: loops over arrays that a compiler makes vectors
// of.
#ifndef RETINANET_OPS_KERNELS_REGRESSION_LOSS_H
#define RETINANET_OPS_KERNELS_REGRESSION_LOSS_H

#include <cstdint>

#include "../../backend/regression.h"
#include "kernels.h"

namespace rn::cpu::RN_ISA {

template <class Formula>
class RegressionRows {
 public:
  explicit RegressionRows(const rn_regression_loss& op) : op_(op), formula_{op.beta}, per_row_(op.columns / kWidth) {}

  // The sum of the losses of the rows [first_row, end_row).
  double Sum(int64_t first_row, int64_t end_row) {
    const int64_t end = end_row * per_row_;
    row_ = first_row;
    double sum = 0;
    for (int64_t first = first_row * per_row_; first < end; first += kChunk) {
      const int64_t count = end - first < kChunk ? end - first : kChunk;
      ReadScales(count);
      Compute(first, count);
      for (int64_t i = 0; i < count; ++i) sum += losses_[i];
      if (op_.losses) {
        for (int64_t i = 0; i < count; ++i) op_.losses[first + i] = static_cast<float>(losses_[i]);
      }
      if (op_.grad) StoreGrad(first, count);
    }
    return sum;
  }

 private:
  static constexpr int kWidth = Formula::kWidth;
  static constexpr int64_t kChunk = 256;  // losses

  // Of the next `count` losses.
  void ReadScales(int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      weights_[i] = op_.weights ? static_cast<double>(op_.weights[row_]) : 1;
      if (++column_ == per_row_) {
        column_ = 0;
        ++row_;
      }
    }
    for (int64_t i = 0; i < count; ++i) scales_[i] = weights_[i] / op_.normalizer;
  }

  void Compute(int64_t first, int64_t count) {
    const float* const predictions = op_.predictions + kWidth * first;
    const float* const targets = op_.targets + kWidth * first;
    for (int64_t i = 0; i < count; ++i) {
      const RegressionTerm<kWidth> term = formula_(predictions + kWidth * i, targets + kWidth * i);
      const bool counts = weights_[i] != 0;
      losses_[i] = scales_[i] * (counts ? term.loss : 0);
      for (int k = 0; k < kWidth; ++k) grad_[kWidth * i + k] = counts ? term.grad[k] : 0;
    }
  }

  void StoreGrad(int64_t first, int64_t count) {
    float* const grad = op_.grad + kWidth * first;
    const float* const upstream = op_.grad_output;
    if (upstream && op_.grad_output_count != 1) {
      for (int64_t i = 0; i < count; ++i) scales_[i] *= static_cast<double>(upstream[first + i]);
    } else if (upstream) {
      for (int64_t i = 0; i < count; ++i) scales_[i] *= static_cast<double>(upstream[0]);
    }
    for (int64_t i = 0; i < count; ++i) {
      for (int k = 0; k < kWidth; ++k) grad[kWidth * i + k] = static_cast<float>(scales_[i] * grad_[kWidth * i + k]);
    }
  }

  const rn_regression_loss& op_;
  const Formula formula_;
  const int64_t per_row_;
  int64_t row_ = 0, column_ = 0;
  double weights_[kChunk], scales_[kChunk], losses_[kChunk], grad_[kWidth * kChunk];
};

template <class Formula>
double RegressionLossOfRows(const rn_regression_loss& op, int64_t first_row, int64_t end_row) {
  return RegressionRows<Formula>(op).Sum(first_row, end_row);
}

}  // namespace rn::cpu::RN_ISA

#endif
