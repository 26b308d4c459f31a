// exp, log and powers for the losses, for any float32 type F: one number, or the lanes of a vector. An F has arithmetic
// operators, comparisons, and Fma, Max, Abs, SwapWhere, ScaleByPowerOfTwo and SplitExponent
// (native/cpu/kernels/vector_*.h). The polynomials are minimax fits of the relative error, by weighted least squares.
#ifndef RETINANET_OPS_MATH_ELEMENTARY_H
#define RETINANET_OPS_MATH_ELEMENTARY_H

#include "host_device.h"

namespace rn {

// a where x is negative, b where it is positive; where it is a zero, either. Vectors have a faster one.
template <class F>
RN_HD F IfNegative(F x, F a, F b) {
  SwapWhere(x > F(0.0f), a, b);
  return a;
}

// log(2) in one float32, and in two of which the first has so few bits that its product with an exponent is exact.
constexpr float kLn2 = 0.693147182f, kLn2Rest = -1.90465421e-9f;
constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
constexpr float kLog2E = 1.44269504f;

// Added to a float32 below 2^22 it leaves the nearest integer in the low bits of the sum.
constexpr float kRoundToInteger = 12582912.0f;  // 1.5 * 2^23

// exp(-r) for r in [-log(2) / 2, log(2) / 2]. Here and below even and odd powers are summed apart, two short chains of
// dependent operations instead of a long one; the leading terms come last, so that their rounding is all there is.
template <class F>
RN_HD F ExpMinusReduced(F r) {
  F p = Fma(F(-8.31252057e-3f), r, F(4.18901555e-2f));
  p = Fma(p, r, F(-1.66671142e-1f));
  p = Fma(p, r, F(4.99992311e-1f));
  return Fma(Fma(p, r, F(-1.0f)), r, F(1.0f));
}

// (exp(-r) - 1) / r, so that exp(-r) has another digit.
template <class F>
RN_HD F SharpExpMinusFactor(F r) {
  F p = Fma(F(1.38145394e-3f), r, F(-8.36874545e-3f));
  p = Fma(p, r, F(4.1668389e-2f));
  p = Fma(p, r, F(-1.66665211e-1f));
  p = Fma(p, r, F(4.9999994e-1f));
  return Fma(p, r, F(-1.0f));
}

// exp(-(u + low)) for u >= 0 and a correction low, u + low in [0, 87]: the result is a normal number.
template <bool kSharp, class F>
RN_HD F ExpMinus(F u, F low) {
  const F biased = Fma(u + low, F(-kLog2E), F(kRoundToInteger));
  const F n = biased - F(kRoundToInteger);
  const F r = Fma(n, F(kLn2Low), Fma(n, F(kLn2High), u) + low);  // the large parts cancel first, exactly
  return ScaleByPowerOfTwo(kSharp ? Fma(SharpExpMinusFactor(r), r, F(1.0f)) : ExpMinusReduced(r), biased);
}

// u + n log(2), of the integer n for which it is smallest.
template <class F>
RN_HD F ReducedByLn2(F u, F n) {
  if constexpr (F::kFused) {
    return Fma(n, F(kLn2), u);  // off by n kLn2Rest
  } else {
    return Fma(n, F(kLn2Low), Fma(n, F(kLn2High), u));
  }
}

// Whether quotients of F are rounded to the nearest number. Where the last bit is the hardware's choice, exponentials
// have to be the more exact.
template <class F>
constexpr bool kRoundsQuotients = true;

// exp(-u) for u in [0, 87].
template <class F>
RN_HD F ExpMinus(F u) {
  const F biased = Fma(u, F(-kLog2E), F(kRoundToInteger));
  const F n = biased - F(kRoundToInteger);
  F r = ReducedByLn2(u, n);
  if constexpr (F::kFused && !kRoundsQuotients<F>) r = Fma(n, F(kLn2Rest), r);
  return ScaleByPowerOfTwo(ExpMinusReduced(r), biased);
}

// The same, and the rest with which e (1 + rest) is within 1e-8 of it.
template <class F>
RN_HD F ExpMinus(F u, F* rest) {
  const F biased = Fma(u, F(-kLog2E), F(kRoundToInteger));
  const F n = biased - F(kRoundToInteger), r = ReducedByLn2(u, n);
  const F e = ExpMinusReduced(r);
  *rest = (SharpExpMinusFactor(r) * r - (e - F(1.0f))) *
          (F(2.0f) - e);  // 2 - e: nearly 1 / e, enough for so small a number
  if constexpr (F::kFused) *rest = *rest - n * F(kLn2Rest);
  return ScaleByPowerOfTwo(e, biased);
}

// above + log(1 + e) for e in [0, 1] and share = e / (1 + e), which the losses need anyway. With L = log(1 + e) they
// are exp(L) - 1 and 1 - exp(-L), so e + share = 2 sinh(L) and e - share = 2 cosh(L) - 2, in which L / (2 sinh(L)) is a
// power series: each of its terms gains a factor of 34, where one of log(1 + e) in e would gain 5.8.
template <class F>
RN_HD F LogOnePlus(F e, F share, F above) {
  const F w = e - share;
  F p = Fma(F(6.09077164e-4f), w, F(-3.49838170e-3f));
  p = Fma(p, w, F(1.66549124e-2f));
  p = Fma(p, w, F(-8.33327398e-2f));
  p = Fma(p, w, F(0.5f));
  return Fma(e + share, p, above);
}

// What rounding took from a * b, from a + b, and from 1 / (1 + e) for e in [0, 1].
template <class F>
RN_HD F ProductRest(F a, F b, F product) {
  if constexpr (F::kFused) {
    return Fma(a, b, F(0.0f) - product);
  } else {  // Dekker 1971: each factor as two halves of 12 bits
    const F split = F(4097.0f);
    const F a_high = a * split - (a * split - a), b_high = b * split - (b * split - b);
    const F a_low = a - a_high, b_low = b - b_high;
    return ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
  }
}
template <class F>
RN_HD F SumRest(F a, F b, F sum) {
  const F b_there = sum - a;
  return (a - (sum - b_there)) + (b - b_there);
}
template <class F>
RN_HD F QuotientRest(F e, F quotient) {
  const F divisor = F(1.0f) + e;
  const F divisor_rest = e - (divisor - F(1.0f));
  return (F(0.0f) - ProductRest(quotient, divisor, F(1.0f)) - quotient * divisor_rest) * quotient;
}

// q^gamma for q in (0, 1], gamma >= 0 given as a float32 and the rest that its rounding left.
template <class F>
RN_HD F PowerOf(F q, F gamma, F gamma_rest) {
  F mantissa;
  const F exponent = SplitExponent(q, mantissa);
  const F f = mantissa - F(1.0f);
  F p = F(8.67218897e-2f);
  p = Fma(p, f, F(-1.43790081e-1f));
  p = Fma(p, f, F(1.49779931e-1f));
  p = Fma(p, f, F(-1.65644258e-1f));
  p = Fma(p, f, F(1.99548751e-1f));
  p = Fma(p, f, F(-2.50016987e-1f));
  p = Fma(p, f, F(3.33341658e-1f));
  const F log_mantissa = Fma(f * f, Fma(f, p, F(-0.5f)), f);
  // -gamma log(q) = -gamma (exponent log(2) + log_mantissa); the first part, which may be large, in two numbers
  const F n = F(0.0f) - exponent;
  const F high = n * F(kLn2High);  // exact
  const F product = gamma * high;
  F rest = ProductRest(gamma, high, product);
  rest = Fma(gamma_rest, high, rest);
  rest = Fma(gamma * n, F(kLn2Low), rest);
  return ExpMinus<true>(product, Fma(F(0.0f) - gamma, log_mantissa, rest));
}

}  // namespace rn

#endif
