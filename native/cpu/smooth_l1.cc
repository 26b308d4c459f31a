// Smooth L1 loss: value, gradient, or both in one pass.
#include "../math/smooth_l1.h"

#include <algorithm>
#include <vector>

#include "../threads/thread_pool.h"
#include "cpu_backend.h"
#include "status.h"

namespace rn::cpu {

rn_status SmoothL1(const rn_smooth_l1* args) {
  return Guarded([&] {
    const rn_smooth_l1& op = *args;
    constexpr int64_t kBlockElements = 1 << 15;
    const int64_t rows_per_block = std::max<int64_t>(1, kBlockElements / std::max<int64_t>(1, op.columns));
    const int64_t blocks = NumBlocks(op.rows, rows_per_block);
    std::vector<double> sums(static_cast<size_t>(blocks));
    ParallelFor(blocks, [&](int64_t block) {
      const int64_t end = std::min(op.rows, (block + 1) * rows_per_block);
      double sum = 0;
      for (int64_t row = block * rows_per_block; row < end; ++row) {
        const double weight = op.weights ? static_cast<double>(op.weights[row]) : 1.0;
        const double scale = weight / op.normalizer;
        for (int64_t i = row * op.columns; i < (row + 1) * op.columns; ++i) {
          SmoothL1Term term{0, 0};
          if (weight != 0) {
            term = rn::SmoothL1(static_cast<double>(op.predictions[i]) - static_cast<double>(op.targets[i]), op.beta);
          }
          sum += scale * term.loss;
          if (op.losses) op.losses[i] = static_cast<float>(scale * term.loss);
          if (op.grad) {
            const double upstream =
                op.grad_output ? static_cast<double>(op.grad_output[op.grad_output_count == 1 ? 0 : i]) : 1.0;
            op.grad[i] = static_cast<float>(upstream * scale * term.grad);
          }
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
