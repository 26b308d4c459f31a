// What follows the gradients in a training step: their sum over threads, and the step of the weights.
#include <algorithm>
#include <vector>

#include "../threads/thread_pool.h"
#include "cpu_backend.h"
#include "kernels/kernels.h"
#include "status.h"

namespace rn::cpu {
namespace {

constexpr int64_t kBlock = 1 << 15;
constexpr int64_t kSums = 8;

}  // namespace

rn_status SumGradients(const rn_sum_gradients* args) {
  return Guarded([&] {
    const rn_sum_gradients& op = *args;
    const int64_t blocks = NumBlocks(op.end - op.first, kBlock);
    std::vector<double> squares(static_cast<size_t>(blocks));
    ParallelFor(blocks, [&](int64_t block) {
      const int64_t first = op.first + block * kBlock, end = std::min(op.end, first + kBlock);
      // Several sums, since each waits for the one before it.
      double sums[kSums] = {};
      for (int64_t i = first; i < end; i += kSums) {
        const int64_t count = std::min(kSums, end - i);
        for (int64_t j = 0; j < count; ++j) {
          float gradient = 0;
          for (int64_t part = 0; part < op.parts; ++part) gradient += op.partials[part * op.length + i + j];
          gradient *= op.scale;
          op.gradient[i + j] = gradient;
          sums[j] += static_cast<double>(gradient) * static_cast<double>(gradient);
        }
      }
      double sum = 0;
      for (const double each : sums) sum += each;
      squares[static_cast<size_t>(block)] = sum;
    });
    *op.squares = 0;
    for (const double sum : squares) *op.squares += sum;
  });
}

rn_status Adam(const rn_adam* args) {
  return Guarded([&] {
    const rn_adam& op = *args;
    const auto adam = ActiveKernels()->adam;
    ParallelFor(NumBlocks(op.end - op.first, kBlock), [&](int64_t block) {
      const int64_t first = op.first + block * kBlock;
      adam(op, first, std::min(op.end, first + kBlock));
    });
  });
}

}  // namespace rn::cpu
