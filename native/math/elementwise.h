// What the formulas of elementwise.def are made of, for a vector type F (elementary.h). A NaN gives a NaN, also where a
// processor's maximum gives the other operand.
#ifndef RETINANET_OPS_MATH_ELEMENTWISE_H
#define RETINANET_OPS_MATH_ELEMENTWISE_H

#include "elementary.h"

namespace rn {

// Where x is no NaN.
template <class F>
RN_HD auto IsNumber(F x) {
  return x == x;  // NOLINT(misc-redundant-expression)
}

// exp over the whole range of float32, 0 and infinity beyond.
template <class F>
RN_HD F Exp(F x) {
  const F u = Max(F(-110.0f), Min(F(100.0f), x));
  const F n = Fma(u, F(kLog2E), F(kRoundToInteger)) - F(kRoundToInteger);
  const F r = Fma(n, F(kLn2Low), Fma(n, F(kLn2High), F(0.0f) - u));
  // A power of two beyond the exponents of float32 is the product of two.
  const F half = Fma(n, F(0.5f), F(kRoundToInteger));
  const F rest = (n - (half - F(kRoundToInteger))) + F(kRoundToInteger);
  const F scaled = ScaleByPowerOfTwo(Fma(SharpExpMinusFactor(r), r, F(1.0f)), half);
  return scaled * ScaleByPowerOfTwo(F(1.0f), rest);
}

// exp(x) - 1 for x <= 10, without cancellation.
template <class F>
RN_HD F ExpMinusOne(F x) {
  const F u = Max(F(-50.0f), x);
  const F biased = Fma(u, F(kLog2E), F(kRoundToInteger));
  const F n = biased - F(kRoundToInteger);
  const F r = Fma(n, F(kLn2Low), Fma(n, F(kLn2High), F(0.0f) - u));
  const F power = ScaleByPowerOfTwo(F(1.0f), biased);
  return Fma(power, SharpExpMinusFactor(r) * r, power - F(1.0f));
}

template <class F>
RN_HD F Log(F x) {
  const F least = F(1.17549435e-38f);  // normal
  const F shift = Select(least > x, F(24.0f), F(0.0f));
  F mantissa;
  const F exponent = SplitExponent(Select(least > x, x * F(16777216.0f), x), mantissa) - shift;
  const F f = mantissa - F(1.0f);
  F p = F(8.67218897e-2f);
  p = Fma(p, f, F(-1.43790081e-1f));
  p = Fma(p, f, F(1.49779931e-1f));
  p = Fma(p, f, F(-1.65644258e-1f));
  p = Fma(p, f, F(1.99548751e-1f));
  p = Fma(p, f, F(-2.50016987e-1f));
  p = Fma(p, f, F(3.33341658e-1f));
  const F low = Fma(exponent, F(kLn2Low), (f * f) * Fma(f, p, F(-0.5f)));
  const F log = Fma(exponent, F(kLn2High), f + low);
  const F infinity = F(3.40282347e38f) + F(3.40282347e38f);
  const F beyond = Select(x == F(0.0f), F(0.0f) - infinity, infinity * F(0.0f));  // of 0, and of what is below
  return Select(x == infinity, infinity, Select(x > F(0.0f), log, Select(IsNumber(x), beyond, x)));
}

// 1 / (1 + exp(-x)), exact at both ends.
template <class F>
RN_HD F Logistic(F x) {
  const F e = Exp(F(0.0f) - Abs(x));
  const F share = F(1.0f) / (F(1.0f) + e);
  return Select(F(0.0f) > x, e * share, share);
}

template <class F>
RN_HD F HyperbolicTangent(F x) {
  const F grown = ExpMinusOne(Min(F(20.0f), F(2.0f) * Abs(x)));
  const F tanh = grown / (grown + F(2.0f));
  // Keeps the sign of a zero, and a NaN.
  return Select(x == F(0.0f), x, Select(IsNumber(x), NegateWhere(F(0.0f) > x, tanh), x));
}

// The larger and the smaller of two as Math.max and Math.min: a NaN wins, 0 is larger than -0.
template <class F>
RN_HD F LargerOf(F a, F b) {
  const F larger = Select((a == F(0.0f)) & (b == F(0.0f)), a + b, Max(a, b));
  return Select(IsNumber(a), larger, a);
}
template <class F>
RN_HD F SmallerOf(F a, F b) {
  const F minus = F(-1.0f);
  const F smaller = Select((a == F(0.0f)) & (b == F(0.0f)), minus * (minus * a + minus * b), Min(a, b));
  return Select(IsNumber(a), smaller, a);
}

// 1 above 0, `below` elsewhere, NaN of a NaN.
template <class F>
RN_HD F StepAt0(F x, F below) {
  return Select(x > F(0.0f), F(1.0f), Select(IsNumber(x), below, x));
}

}  // namespace rn

#endif
