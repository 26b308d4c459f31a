// Steps of optimizers.
#ifndef RETINANET_OPS_KERNELS_OPTIMIZER_H
#define RETINANET_OPS_KERNELS_OPTIMIZER_H

#include "../../math/adam.h"
#include "elementwise.h"

namespace rn::cpu::RN_ISA {

RN_NOINLINE void AdamOfRun(const rn_adam& op, const AdamRates<float>& of, int64_t first, int64_t end) {
  const AdamRates<Float> rates{
      Float(of.gradient_scale), Float(of.first_kept),  Float(of.first_new), Float(of.second_kept), Float(of.second_new),
      Float(of.average_kept),   Float(of.average_new), Float(of.step),      Float(of.correction),  Float(of.epsilon)};
  ForEachVector(end - first, [&](int64_t offset, auto load, auto store) {
    const int64_t i = first + offset;
    const AdamState<Float> old{load(op.weights + i), load(op.first_moment + i), load(op.second_moment + i),
                               load(op.average + i)};
    const AdamState<Float> state = StepOfAdam(old, load(op.gradient + i), rates);
    store(op.weights + i, state.weight);
    store(op.first_moment + i, state.first_moment);
    store(op.second_moment + i, state.second_moment);
    store(op.average + i, state.average);
  });
}

// The sum of squares of what is stored.
RN_NOINLINE double ScaledSumOfRun(const rn_scaled_sum& op, int64_t first, int64_t end) {
  const Float scale(op.scale);
  Sum squares;
  ForEachVector(end - first, [&](int64_t i, auto load, auto store) {
    const Float a = load(op.a + first + i);
    const Float result = scale * (op.b ? a + load(op.b + first + i) : a);
    store(op.output + first + i, result);
    squares.Add(result * result);
  });
  return squares.Total();
}

constexpr OptimizerKernels kOptimizer = {AdamOfRun, ScaledSumOfRun};

}  // namespace rn::cpu::RN_ISA

#endif
