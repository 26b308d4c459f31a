// Adam (Kingma and Ba, 2015) for one weight, and a moving average of the weights.
#ifndef RETINANET_OPS_ADAM_H
#define RETINANET_OPS_ADAM_H

#include <cmath>

#include "host_device.h"

namespace rn {

struct AdamStep {
  float learning_rate;                                                      // times the correction of the first moment
  float second_correction;                                                  // of the second moment
  float gradient_scale, average_decay;                                      // the share of the old average that stays
  static constexpr float kRest1 = 0.1f, kRest2 = 0.001f, kEpsilon = 1e-8f;  // 1 - beta
};

RN_HD void ApplyAdam(const AdamStep& step, float gradient, float* weight, float* first, float* second, float* average) {
  const float g = gradient * step.gradient_scale;
  const float m = *first + AdamStep::kRest1 * (g - *first);
  const float v = *second + AdamStep::kRest2 * (g * g - *second);
  const float w = *weight - step.learning_rate * m / (std::sqrt(v * step.second_correction) + AdamStep::kEpsilon);
  *first = m;
  *second = v;
  *weight = w;
  *average = w + step.average_decay * (*average - w);
}

}  // namespace rn

#endif
