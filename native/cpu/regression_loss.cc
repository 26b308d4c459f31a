// The losses of a regression: value, gradient, or both in one pass.
#include <algorithm>
#include <vector>

#include "../backend/regression.h"
#include "../threads/thread_pool.h"
#include "cpu_backend.h"
#include "kernels/kernels.h"
#include "status.h"

namespace rn::cpu {

rn_status RegressionLoss(const rn_regression_loss* args) {
  return Guarded([&] {
    const rn_regression_loss& op = *args;
    constexpr int64_t kBlockElements = 1 << 15;
    const int64_t rows_per_block = std::max<int64_t>(1, kBlockElements / std::max<int64_t>(1, op.columns));
    const int64_t blocks = NumBlocks(op.rows, rows_per_block);
    const RegressionKernel kernel = ActiveKernels()->regression_loss[op.kind];
    std::vector<double> sums(static_cast<size_t>(blocks));
    ParallelFor(blocks, [&](int64_t block) {
      const int64_t first = block * rows_per_block;
      sums[static_cast<size_t>(block)] = kernel(op, first, std::min(op.rows, first + rows_per_block));
    });
    if (op.loss_sum) {
      *op.loss_sum = 0;
      for (const double sum : sums) *op.loss_sum += sum;
    }
  });
}

}  // namespace rn::cpu
