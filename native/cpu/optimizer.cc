// Steps of optimizers, and sums of gradients.
#include <algorithm>
#include <cmath>
#include <vector>

#include "../math/adam.h"
#include "../threads/thread_pool.h"
#include "cpu_backend.h"
#include "kernels/kernels.h"
#include "status.h"

namespace rn::cpu {
namespace {

constexpr int64_t kBlock = 16384;

}  // namespace

rn_status Adam(const rn_adam* op) {
  const auto kernel = ActiveKernels()->optimizer.adam;
  const auto single = [](double value) { return static_cast<float>(value); };
  const double lack1 = 1 - std::pow(op->beta1, op->step + 1), lack2 = 1 - std::pow(op->beta2, op->step + 1);
  AdamRates<float> rates{};
  rates.gradient_scale = single(op->gradient_scale);
  rates.first_kept = single(op->beta1), rates.first_new = single(1 - op->beta1);
  rates.second_kept = single(op->beta2), rates.second_new = single(1 - op->beta2);
  rates.average_kept = single(op->average_decay), rates.average_new = single(1 - op->average_decay);
  rates.step = single(op->learning_rate / lack1);
  rates.correction = single(1 / lack2);
  rates.epsilon = single(op->epsilon);
  ParallelFor(NumBlocks(op->count, kBlock),
              [&](int64_t block) { kernel(*op, rates, block * kBlock, std::min(op->count, (block + 1) * kBlock)); });
  return {RN_OK, ""};
}

rn_status ScaledSum(const rn_scaled_sum* op) {
  return Guarded([&] {
    const auto kernel = ActiveKernels()->optimizer.scaled_sum;
    std::vector<double> squares(static_cast<size_t>(NumBlocks(op->count, kBlock)));
    ParallelFor(NumBlocks(op->count, kBlock), [&](int64_t block) {
      squares[static_cast<size_t>(block)] = kernel(*op, block * kBlock, std::min(op->count, (block + 1) * kBlock));
    });
    double total = 0;
    for (const double of_block : squares) total += of_block;
    *op->squares = total;
  });
}

}  // namespace rn::cpu
