// A detection's score from its logit.
#ifndef RETINANET_OPS_MATH_SCORE_H
#define RETINANET_OPS_MATH_SCORE_H

#include <cmath>
#include <limits>

#include "host_device.h"

namespace rn {

RN_HD float Score(float logit) { return static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(logit)))); }

// A logit below it has a score that is not greater than `score`, rounding included: only others pay for the
// exponential.
inline float LogitSurelyBelow(double score) {
  if (score <= 0) return -std::numeric_limits<float>::infinity();
  if (score >= 1) return std::numeric_limits<float>::infinity();
  return static_cast<float>(std::log(score / (1 - score)) - 1e-3);
}

}  // namespace rn

#endif
