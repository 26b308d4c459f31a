// Smooth L1 (Girshick 2015, equation 3; torch.nn.functional.smooth_l1_loss): quadratic below beta, linear above.
#ifndef RETINANET_OPS_MATH_SMOOTH_L1_H
#define RETINANET_OPS_MATH_SMOOTH_L1_H

#include <cmath>

#include "regression_term.h"

namespace rn {

// beta = 0 is plain L1, whose derivative at 0 is taken as 0.
struct SmoothL1Loss {
  static constexpr int kWidth = 1;
  double beta;

  RN_HD_MEMBER RegressionTerm<kWidth> operator()(const float* prediction, const float* target) const {
    const double difference = static_cast<double>(*prediction) - static_cast<double>(*target);
    const double magnitude = std::fabs(difference);
    if (magnitude < beta) return {0.5 * difference * difference / beta, {difference / beta}};
    const double sign = difference > 0 ? 1.0 : (difference < 0 ? -1.0 : difference);  // NaN and 0 pass through
    return {magnitude - 0.5 * beta, {sign}};
  }
};

}  // namespace rn

#endif
