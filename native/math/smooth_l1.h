// Smooth L1 (Girshick 2015, equation 3; torch.nn.functional.smooth_l1_loss): quadratic below beta, linear above.
#ifndef RETINANET_OPS_MATH_SMOOTH_L1_H
#define RETINANET_OPS_MATH_SMOOTH_L1_H

#include <cmath>

#include "host_device.h"

namespace rn {

struct SmoothL1Term {
  double loss;
  double grad;  // by the prediction
};

// difference = prediction - target; beta = 0 is plain L1, whose derivative at 0 is taken as 0.
RN_HD SmoothL1Term SmoothL1(double difference, double beta) {
  const double magnitude = std::fabs(difference);
  if (magnitude < beta) return {0.5 * difference * difference / beta, difference / beta};
  const double sign = difference > 0 ? 1.0 : (difference < 0 ? -1.0 : difference);  // NaN and 0 pass through
  return {magnitude - 0.5 * beta, sign};
}

}  // namespace rn

#endif
