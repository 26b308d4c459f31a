// Steps of an optimizer on runs of weights.
#ifndef RETINANET_OPS_KERNELS_OPTIMIZER_H
#define RETINANET_OPS_KERNELS_OPTIMIZER_H

#include "../../math/adam.h"
#include "elementwise.h"

namespace rn::cpu::RN_ISA {

inline void AdamOfWeights(const rn_adam& op, int64_t first, int64_t end) {
  const AdamStep step = {op.rest1,          op.rest2,        op.learning_rate, op.second_correction,
                         op.gradient_scale, op.average_decay};
  float* const weights = op.weights + first;
  float* const average = op.average + first;
  float* const moments[2] = {op.first_moment + first, op.second_moment + first};
  ForEachVector(end - first, [&](int64_t i, auto load, auto store) {
    const AdamState<Float> old{load(weights + i), load(moments[0] + i), load(moments[1] + i), load(average + i)};
    const AdamState<Float> now = AfterAdam(step, load(op.gradient + first + i), old);
    store(weights + i, now.weight);
    store(moments[0] + i, now.first_moment);
    store(moments[1] + i, now.second_moment);
    store(average + i, now.average);
  });
}

}  // namespace rn::cpu::RN_ISA

#endif
