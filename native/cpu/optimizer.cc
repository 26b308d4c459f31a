// What follows the gradients in a training step: their sum over threads, and the step of the weights.
#include <algorithm>
#include <vector>

#include "../math/adam.h"
#include "../threads/thread_pool.h"
#include "cpu_backend.h"
#include "status.h"

namespace rn::cpu {
namespace {

constexpr int64_t kBlock = 1 << 15;

}  // namespace

rn_status SumGradients(const rn_sum_gradients* args) {
  return Guarded([&] {
    const rn_sum_gradients& op = *args;
    const int64_t blocks = NumBlocks(op.end - op.first, kBlock);
    std::vector<double> squares(static_cast<size_t>(blocks));
    ParallelFor(blocks, [&](int64_t block) {
      const int64_t first = op.first + block * kBlock, end = std::min(op.end, first + kBlock);
      double sum = 0;
      for (int64_t i = first; i < end; ++i) {
        float gradient = 0;
        for (int64_t part = 0; part < op.parts; ++part) gradient += op.partials[part * op.length + i];
        gradient *= op.scale;
        op.gradient[i] = gradient;
        sum += static_cast<double>(gradient) * static_cast<double>(gradient);
      }
      squares[static_cast<size_t>(block)] = sum;
    });
    *op.squares = 0;
    for (const double sum : squares) *op.squares += sum;
  });
}

rn_status Adam(const rn_adam* args) {
  return Guarded([&] {
    const rn_adam& op = *args;
    const AdamStep step = {op.learning_rate, op.second_correction, op.gradient_scale, op.average_decay};
    ParallelFor(NumBlocks(op.end - op.first, kBlock), [&](int64_t block) {
      const int64_t first = op.first + block * kBlock, end = std::min(op.end, first + kBlock);
      for (int64_t i = first; i < end; ++i) {
        ApplyAdam(step, op.gradient[i], op.weights + i, op.first_moment + i, op.second_moment + i, op.average + i);
      }
    });
  });
}

}  // namespace rn::cpu
