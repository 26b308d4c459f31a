// IEEE half precision: conversions to float32 and, rounding to nearest even, from it.
#ifndef RETINANET_OPS_EMULATOR_CUDA_FP16_H
#define RETINANET_OPS_EMULATOR_CUDA_FP16_H

#include "device_functions.h"

struct __half {
  unsigned short bits;
};

inline float __half2float(__half h) {
  const unsigned sign = (h.bits & 0x8000u) << 16, exponent = h.bits >> 10 & 31u, fraction = h.bits & 0x3ffu;
  if (exponent == 31) return __uint_as_float(sign | 0x7f800000u | fraction << 13);
  const float magnitude = exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                                        : __uint_as_float((exponent + 112) << 23 | fraction << 13);
  return sign ? -magnitude : magnitude;
}

inline __half __float2half_rn(float f) {
  const unsigned bits = __float_as_uint(f), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
  const auto half = [&](unsigned value) { return __half{static_cast<unsigned short>(sign | value)}; };
  if (magnitude > 0x7f800000u) return half(0x7fffu);   // NaN
  if (magnitude >= 0x477ff000u) return half(0x7c00u);  // rounds to more than 65504
  if (magnitude < 0x38800000u) {                       // subnormal: units of 2^-24, nearest even by the float adder
    const float shifted = __uint_as_float(magnitude) + 0.5f;
    return half(__float_as_uint(shifted) - 0x3f000000u);
  }
  const unsigned rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u);
  return half((rounded - (112u << 23)) >> 13);
}

struct __half2 {
  __half x, y;
};
inline __half2 __floats2half2_rn(float a, float b) { return {__float2half_rn(a), __float2half_rn(b)}; }

#endif
