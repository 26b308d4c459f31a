// The sigmoid focal loss of one logit and its derivative (Lin et al. 2017, equations 4 and 5; torchvision's
// sigmoid_focal_loss for soft targets), written so that for hard targets every sum has terms of one sign: nothing
// cancels, nothing overflows, and no power of a vanishing number is divided by that number.
//
//   p = sigmoid(x),  q = 1 - p_t = p (1 - t) + (1 - p) t,  ce = (1 - t) softplus(x) + t softplus(-x)
//   loss  = alpha_t q^gamma ce,                            alpha_t = alpha t + (1 - alpha) (1 - t)
//   dloss = alpha_t q^gamma [ p (1 - t) - (1 - p) t + gamma (1 - 2t) ce p (1 - p) / q ]
//
// p (1 - p) / q is finite for every x: it is (1 - p) for t = 0 and p for t = 1, the cases in which q may underflow. All
// in float64: a float32 logit's q underflows only where loss and gradient lie far below float32's smallest number.
#ifndef RETINANET_OPS_MATH_FOCAL_LOSS_H
#define RETINANET_OPS_MATH_FOCAL_LOSS_H

#include <cmath>

#include "host_device.h"

namespace rn {

struct FocalTerm {
  double loss;
  double grad;
};

// q^gamma for q in [0, 1]; the common exponents without a call of pow. NaN counts nothing at gamma = 0, as in IEEE pow,
// but reaches the results through ce and p.
RN_HD double Power(double q, double gamma) {
  if (gamma == 2) return q * q;
  if (gamma == 1) return q;
  return std::pow(q, gamma);
}

// log(1 + e) for e in [0, 1], within 1e-10 of its value: several times faster than std::log1p.
RN_HD double LogOnePlus(double e) { return e < 1e-6 ? e * (1 - 0.5 * e) : std::log(1 + e); }

// x: the logit, any float, infinities included; t in [0, 1]; gamma >= 0. `alpha_t` multiplies both results.
RN_HD FocalTerm FocalLoss(double x, double t, double gamma, double alpha_t) {
  const double magnitude = std::fabs(x);
  const double e = std::exp(-magnitude);  // in [0, 1]
  const double log1p_e = LogOnePlus(e);
  const double large = 1.0 / (1.0 + e);  // the larger of p and 1 - p
  const double small = e * large;
  const bool positive = x > 0;
  const double p = positive ? large : small;
  const double not_p = positive ? small : large;
  // softplus(x) = max(x, 0) + log1p(e^-|x|)
  const double softplus_x = (positive ? magnitude : 0.0) + log1p_e;
  const double softplus_minus_x = (positive ? 0.0 : magnitude) + log1p_e;

  double ce, q, ratio;  // ratio = p (1 - p) / q
  if (t == 0) {
    ce = softplus_x;
    q = p;
    ratio = not_p;
  } else if (t == 1) {
    ce = softplus_minus_x;
    q = not_p;
    ratio = p;
  } else {
    ce = (1 - t) * softplus_x + t * softplus_minus_x;
    q = p * (1 - t) + not_p * t;
    ratio = p * not_p / q;
  }
  const double weight = alpha_t * Power(q, gamma);
  // At an infinite logit ratio is 0 and ce infinite; the product's limit is 0. A finite stand-in for ce gives it: ratio
  // underflows to 0 long before this bound.
  const double bounded_ce = ce > 1e4 ? 1e4 : ce;
  // weight = 0 beside ce = inf: an infinitely confident right answer costs nothing.
  const double loss = weight == 0 ? weight * bounded_ce : weight * ce;
  return {loss, weight * ((p * (1 - t) - not_p * t) + gamma * (1 - 2 * t) * bounded_ce * ratio)};
}

// The class-balancing weight alpha_t.
RN_HD double AlphaWeight(double alpha, double t) { return alpha * t + (1 - alpha) * (1 - t); }

// Keras' binary label smoothing: squeezes a target towards one half.
RN_HD double SmoothTarget(double t, double smoothing) { return t * (1 - smoothing) + 0.5 * smoothing; }

}  // namespace rn

#endif
