// exp and log in float64 for the few places where float32 cancels: without branches and calls, so that compilers make
// vectors of loops over them.
#ifndef RETINANET_OPS_MATH_ELEMENTARY64_H
#define RETINANET_OPS_MATH_ELEMENTARY64_H

#include "float_bits.h"
#include "host_device.h"

namespace rn {

// The sum of c_n x^n for n from `first` to kLast in steps of `step`, over x^first, c_n = Coefficients::At(n); x is the
// power x^step. Even and odd terms apart, and those again: few operations depend on each other.
template <class Coefficients, int first = 0, int step = 1>
RN_HD double Polynomial(double x) {
  constexpr double coefficient = Coefficients::At(first);
  if constexpr (first + step > Coefficients::kLast) {
    return coefficient;
  } else if constexpr (first + 2 * step > Coefficients::kLast) {
    constexpr double next = Coefficients::At(first + step);
    return next * x + coefficient;
  } else {
    const double square = x * x;
    return Polynomial<Coefficients, first + step, 2 * step>(square) * x +
           Polynomial<Coefficients, first, 2 * step>(square);
  }
}

// exp(-r), for |r| <= log(2) / 2.
struct ExpMinusSeries {
  static constexpr int kLast = 13;
  RN_HD_MEMBER static constexpr double At(int n) {
    double coefficient = 1;
    for (int i = 1; i <= n; ++i) coefficient /= -i;
    return coefficient;
  }
};

// log(1 + e) / (e + share) in w = e - share, as in LogOnePlus of elementary.h: asinh(y) / (y sqrt(1 + y^2)) in y^2,
// y = sinh(log(1 + e) / 2).
struct LogOnePlusSeries {
  static constexpr int kLast = 18;
  RN_HD_MEMBER static constexpr double At(int n) {
    double coefficient = 0.5;
    for (int i = 1; i <= n; ++i) coefficient *= -i / (4.0 * i + 2);
    return coefficient;
  }
};

// For u in [0, 700].
RN_HD double ExpMinus(double u) {
  constexpr double kRoundToInteger64 = 6755399441055744;  // 1.5 * 2^52
  constexpr double kLn2High64 = 0x1.62e42fefa38p-1, kLn2Low64 = 0x1.ef35793c7673p-45;
  const double biased = u * -1.4426950408889634 + kRoundToInteger64;
  const double n = biased - kRoundToInteger64;
  const double r = (n * kLn2High64 + u) + n * kLn2Low64;
  return DoubleOf(BitsOf(Polynomial<ExpMinusSeries>(r)) + (BitsOf(biased) << 52));
}

// log(1 + e), for e in [0, 1] and share = e / (1 + e).
RN_HD double LogOnePlus(double e, double share) { return Polynomial<LogOnePlusSeries>(e * share) * (e + share); }

}  // namespace rn

#endif
