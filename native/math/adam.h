// Adam (Kingma and Ba, 2015) for one weight or a vector of them, F, and a moving average of the weights.
#ifndef RETINANET_OPS_ADAM_H
#define RETINANET_OPS_ADAM_H

#include "host_device.h"

namespace rn {

struct AdamStep {
  float rest1, rest2;                   // 1 - beta, of the first and of the second moment
  float learning_rate;                  // times the correction of the first moment
  float second_correction;              // of the second moment
  float gradient_scale, average_decay;  // the share of the old average that stays
};

template <class F>
struct AdamState {
  F weight, first_moment, second_moment, average;
};

template <class F>
RN_HD AdamState<F> AfterAdam(const AdamStep& step, F gradient, const AdamState<F>& old) {
  const F rest1(step.rest1), rest2(step.rest2), epsilon(1e-8f);
  const F g = gradient * F(step.gradient_scale);
  AdamState<F> now;
  now.first_moment = old.first_moment + rest1 * (g - old.first_moment);
  now.second_moment = old.second_moment + rest2 * (g * g - old.second_moment);
  const F deviation = Sqrt(now.second_moment * F(step.second_correction)) + epsilon;
  now.weight = old.weight - F(step.learning_rate) * now.first_moment / deviation;
  now.average = now.weight + F(step.average_decay) * (old.average - now.weight);
  return now;
}

}  // namespace rn

#endif
