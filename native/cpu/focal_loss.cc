// Sigmoid focal loss: value, gradient, or both in one pass.
#include "../math/focal_loss.h"

#include <algorithm>
#include <vector>

#include "cpu_backend.h"
#include "status.h"
#include "thread_pool.h"

namespace rn::cpu {
namespace {

constexpr int64_t kElementsPerBlock = 4096;

bool Ignored(const rn_focal_loss& op, int64_t row) {
  return (op.labels && op.labels[row] == RN_LABEL_IGNORED) || (op.anchor_weights && op.anchor_weights[row] == 0);
}

bool Positive(const rn_focal_loss& op, int64_t row) {
  if (op.labels) return op.labels[row] >= 0;
  const float* targets = op.targets + row * op.classes;
  return std::any_of(targets, targets + op.classes, [](float t) { return t > 0; });
}

int64_t CountPositives(const rn_focal_loss& op, int64_t blocks, int64_t rows_per_block) {
  std::vector<int64_t> counts(static_cast<size_t>(blocks));
  ParallelFor(blocks, [&](int64_t block) {
    const int64_t end = std::min(op.rows, (block + 1) * rows_per_block);
    int64_t count = 0;
    for (int64_t row = block * rows_per_block; row < end; ++row) count += !Ignored(op, row) && Positive(op, row);
    counts[static_cast<size_t>(block)] = count;
  });
  int64_t total = 0;
  for (const int64_t count : counts) total += count;
  return total;
}

double PerClass(const rn_per_class& parameter, int64_t k) { return parameter.values[parameter.count == 1 ? 0 : k]; }

// One row; returns its summed loss.
double Row(const rn_focal_loss& op, int64_t row, double scale) {
  const int64_t first = row * op.classes;
  double sum = 0;
  for (int64_t k = 0; k < op.classes; ++k) {
    const int64_t i = first + k;
    const double hard = op.labels ? (op.labels[row] == k ? 1.0 : 0.0) : static_cast<double>(op.targets[i]);
    const double t = SmoothTarget(hard, op.label_smoothing);
    const double alpha_t = op.alpha.values ? AlphaWeight(PerClass(op.alpha, k), t) : 1.0;
    const FocalTerm term = rn::FocalLoss(static_cast<double>(op.logits[i]), t, PerClass(op.gamma, k), alpha_t);
    const double loss = scale * term.loss;
    sum += loss;
    if (op.losses) op.losses[i] = static_cast<float>(loss);
    if (op.grad) {
      const double upstream =
          op.grad_output ? static_cast<double>(op.grad_output[op.grad_output_count == 1 ? 0 : i]) : 1.0;
      op.grad[i] = static_cast<float>(upstream * scale * term.grad);
    }
  }
  return sum;
}

void ZeroRow(float* values, const rn_focal_loss& op, int64_t row) {
  if (values) std::fill_n(values + row * op.classes, op.classes, 0.0f);
}

}  // namespace

rn_status FocalLoss(const rn_focal_loss* args) {
  return Guarded([&] {
    const rn_focal_loss& op = *args;
    const int64_t rows_per_block = std::max<int64_t>(1, kElementsPerBlock / std::max<int64_t>(1, op.classes));
    const int64_t blocks = NumBlocks(op.rows, rows_per_block);
    const int64_t positives = CountPositives(op, blocks, rows_per_block);
    *op.num_positive = positives;
    const double normalizer =
        op.normalizer * (op.normalize_by_positives ? static_cast<double>(std::max<int64_t>(1, positives)) : 1.0);

    std::vector<double> sums(static_cast<size_t>(blocks));
    ParallelFor(blocks, [&](int64_t block) {
      const int64_t end = std::min(op.rows, (block + 1) * rows_per_block);
      double sum = 0;
      for (int64_t row = block * rows_per_block; row < end; ++row) {
        if (Ignored(op, row)) {
          ZeroRow(op.losses, op, row);
          ZeroRow(op.grad, op, row);
        } else {
          const double weight = op.anchor_weights ? static_cast<double>(op.anchor_weights[row]) : 1.0;
          sum += Row(op, row, weight / normalizer);
        }
      }
      sums[static_cast<size_t>(block)] = sum;
    });
    if (op.loss_sum) {
      *op.loss_sum = 0;
      for (const double sum : sums) *op.loss_sum += sum;
    }
  });
}

}  // namespace rn::cpu
