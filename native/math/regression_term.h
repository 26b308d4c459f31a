// What the formula of a regression gives: one loss of kWidth predictions, and its derivatives by them.
#ifndef RETINANET_OPS_MATH_REGRESSION_TERM_H
#define RETINANET_OPS_MATH_REGRESSION_TERM_H

#include "host_device.h"

namespace rn {

template <int kWidth>
struct RegressionTerm {
  double loss;
  double grad[kWidth];
};

}  // namespace rn

#endif
