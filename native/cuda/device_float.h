// One float32 on the device, in the vocabulary of native/math (elementary.h).
#ifndef RETINANET_OPS_CUDA_DEVICE_FLOAT_H
#define RETINANET_OPS_CUDA_DEVICE_FLOAT_H

#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>
#include <cstring>

#include "../math/elementary.h"

namespace rn::cuda {

struct Float {
  static constexpr bool kFused = true;  // Fma rounds once
  float v;
  Float() = default;
  RN_HD_MEMBER explicit Float(float value) : v(value) {}
};

RN_HD int32_t BitsOf(Float a) {
  int32_t bits;
  std::memcpy(&bits, &a.v, sizeof bits);
  return bits;
}
RN_HD Float FromBits(int32_t bits) {
  Float a;
  std::memcpy(&a.v, &bits, sizeof bits);
  return a;
}

// 1 / a for a in [2^-126, 2^126], to the last bit or the one before. Of CUDA's functions only the instruction itself
// comes without the handling of subnormal numbers, five instructions in the place of one.
RN_HD float Reciprocal(float a) {
#ifdef RN_RCP_APPROX  // the emulator's
  return RN_RCP_APPROX(a);
#elif defined(__CUDA_ARCH__)
  float result;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(a));
  return result;
#else
  return 1.0f / a;
#endif
}

// 2^a where that is a normal number, to 2^-22 of itself.
RN_HD float PowerOfTwo(float a) {
#ifdef RN_EX2_APPROX  // the emulator's
  return RN_EX2_APPROX(a);
#elif defined(__CUDA_ARCH__)
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(a));
  return result;
#else
  return std::exp2(a);
#endif
}

RN_HD Float operator+(Float a, Float b) { return Float(a.v + b.v); }
RN_HD Float operator-(Float a, Float b) { return Float(a.v - b.v); }
RN_HD Float operator*(Float a, Float b) { return Float(a.v * b.v); }
RN_HD Float operator/(Float a, Float b) { return Float(a.v * Reciprocal(b.v)); }
RN_HD bool operator>(Float a, Float b) { return a.v > b.v; }
RN_HD Float Fma(Float a, Float b, Float c) { return Float(std::fma(a.v, b.v, c.v)); }
RN_HD Float Max(Float a, Float b) { return Float(std::fmax(a.v, b.v)); }  // of numbers
RN_HD Float Abs(Float a) { return Float(std::fabs(a.v)); }
RN_HD Float NegateWhere(bool condition, Float a) { return condition ? Float(-a.v) : a; }
RN_HD void SwapWhere(bool condition, Float& a, Float& b) {
  const Float old = a;
  a = condition ? b : a;
  b = condition ? old : b;
}

// a * 2^n, n the integer in the low bits of `biased` (see kRoundToInteger).
RN_HD Float ScaleByPowerOfTwo(Float a, Float biased) {
  return FromBits(
      static_cast<int32_t>(static_cast<uint32_t>(BitsOf(a)) + (static_cast<uint32_t>(BitsOf(biased)) << 23)));
}

// a = mantissa * 2^exponent with the mantissa in [sqrt(1/2), sqrt(2)); a positive and normal.
RN_HD Float SplitExponent(Float a, Float& mantissa) {
  const int32_t bits = BitsOf(a);
  const int32_t n = (bits - 0x3f3504f3) >> 23;
  mantissa = FromBits(static_cast<int32_t>(static_cast<uint32_t>(bits) - (static_cast<uint32_t>(n) << 23)));
  return Float(static_cast<float>(n));
}

// exp(-|x|) for |x| up to 87 and an x of at most kDigits binary digits, with the hardware's power of two: log2(e) is
// cut so that its product with x is exact, and the rest is a factor close to one, linear in it.
template <int kDigits>
RN_HD Float QuickExpMinus(Float x) {
  constexpr double kLog2OfE = 1.4426950408889634, kUnit = int64_t{1} << (23 - kDigits);
  constexpr int64_t kUnits = (static_cast<int64_t>(2 * kLog2OfE * kUnit) + 1) / 2;  // rounded
  constexpr double kCut = static_cast<double>(kUnits) / kUnit;
  constexpr float kRest = static_cast<float>((kLog2OfE - kCut) / kLog2OfE);
  const Float u = Abs(x), e(PowerOfTwo((u * Float(static_cast<float>(-kCut))).v));
  return Fma(e * u, Float(-kRest), e);
}

}  // namespace rn::cuda

namespace rn {
template <>
inline constexpr bool kRoundsQuotients<cuda::Float> = false;
}  // namespace rn

#endif
