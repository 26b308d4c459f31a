// One step of Adam (Kingma and Ba, 2015) and of an exponential moving average of the weights.
#ifndef RETINANET_OPS_MATH_ADAM_H
#define RETINANET_OPS_MATH_ADAM_H

#include "host_device.h"

namespace rn {

template <class F>
struct AdamState {
  F weight, first_moment, second_moment, average;
};

// Rates and shares of a step; those of the old moments and average stay.
template <class F>
struct AdamRates {
  F gradient_scale, first_kept, first_new, second_kept, second_new, average_kept, average_new;
  F step;        // the learning rate, over what the first moment still lacks
  F correction;  // what the second moment still lacks
  F epsilon;
};

template <class F>
RN_HD AdamState<F> StepOfAdam(const AdamState<F>& old, F gradient, const AdamRates<F>& rates) {
  const F g = gradient * rates.gradient_scale;
  AdamState<F> state;
  state.first_moment = Fma(rates.first_kept, old.first_moment, rates.first_new * g);
  state.second_moment = Fma(rates.second_kept, old.second_moment, rates.second_new * g * g);
  const F length = Sqrt(state.second_moment * rates.correction) + rates.epsilon;
  state.weight = old.weight - rates.step * state.first_moment / length;
  state.average = Fma(rates.average_kept, old.average, rates.average_new * state.weight);
  return state;
}

}  // namespace rn

#endif
