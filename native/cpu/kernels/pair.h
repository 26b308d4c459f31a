// Two vectors side by side: the formulas' chains of dependent operations then overlap, and constants are loaded once for
// both.
#ifndef RETINANET_OPS_KERNELS_PAIR_H
#define RETINANET_OPS_KERNELS_PAIR_H

#include <cstdint>

#include "vector.h"

namespace rn::cpu::RN_ISA {

struct MaskPair {
  Mask a, b;
};

struct FloatPair {
  static constexpr int kLanes = 2 * Float::kLanes;
  static constexpr bool kFused = Float::kFused;
  Float a, b;
  FloatPair() = default;
  FloatPair(Float first, Float second) : a(first), b(second) {}
  explicit FloatPair(float value) : a(value), b(value) {}
};

RN_HD FloatPair operator+(FloatPair x, FloatPair y) { return {x.a + y.a, x.b + y.b}; }
RN_HD FloatPair operator-(FloatPair x, FloatPair y) { return {x.a - y.a, x.b - y.b}; }
RN_HD FloatPair operator*(FloatPair x, FloatPair y) { return {x.a * y.a, x.b * y.b}; }
RN_HD FloatPair operator/(FloatPair x, FloatPair y) { return {x.a / y.a, x.b / y.b}; }
RN_HD FloatPair Fma(FloatPair x, FloatPair y, FloatPair z) { return {Fma(x.a, y.a, z.a), Fma(x.b, y.b, z.b)}; }
RN_HD FloatPair Max(FloatPair x, FloatPair y) { return {Max(x.a, y.a), Max(x.b, y.b)}; }
RN_HD FloatPair Min(FloatPair x, FloatPair y) { return {Min(x.a, y.a), Min(x.b, y.b)}; }
RN_HD FloatPair Abs(FloatPair x) { return {Abs(x.a), Abs(x.b)}; }

RN_HD MaskPair operator>(FloatPair x, FloatPair y) { return {x.a > y.a, x.b > y.b}; }
RN_HD MaskPair operator>=(FloatPair x, FloatPair y) { return {x.a >= y.a, x.b >= y.b}; }
RN_HD MaskPair operator|(MaskPair x, MaskPair y) { return {x.a | y.a, x.b | y.b}; }
RN_HD FloatPair Select(MaskPair m, FloatPair x, FloatPair y) { return {Select(m.a, x.a, y.a), Select(m.b, x.b, y.b)}; }
RN_HD FloatPair KeepWhere(MaskPair m, FloatPair x) { return {KeepWhere(m.a, x.a), KeepWhere(m.b, x.b)}; }
RN_HD FloatPair NegateWhere(MaskPair m, FloatPair x) { return {NegateWhere(m.a, x.a), NegateWhere(m.b, x.b)}; }
RN_HD void SwapWhere(MaskPair m, FloatPair& x, FloatPair& y) {
  SwapWhere(m.a, x.a, y.a);
  SwapWhere(m.b, x.b, y.b);
}
RN_HD FloatPair ScaleByPowerOfTwo(FloatPair x, FloatPair biased) {
  return {ScaleByPowerOfTwo(x.a, biased.a), ScaleByPowerOfTwo(x.b, biased.b)};
}
RN_HD FloatPair SplitExponent(FloatPair x, FloatPair& mantissa) {
  return {SplitExponent(x.a, mantissa.a), SplitExponent(x.b, mantissa.b)};
}

// A type's lanes as bits and in memory, for one vector and for two.
template <class F>
struct Lanes;

template <>
struct Lanes<Float> {
  static RN_ALWAYS_INLINE uint64_t ToBits(Mask m) { return Bits(m); }
  static RN_ALWAYS_INLINE Mask FromBits(uint64_t bits) { return MaskOf(static_cast<uint32_t>(bits)); }
  static RN_ALWAYS_INLINE Float At(const float* p) { return Load(p); }
  static RN_ALWAYS_INLINE void To(float* p, Float x) { Store(p, x); }
  static RN_ALWAYS_INLINE void StreamTo(float* p, Float x) { Stream(p, x); }
};

template <>
struct Lanes<FloatPair> {
  static constexpr int kHalf = Float::kLanes;
  static RN_ALWAYS_INLINE uint64_t ToBits(MaskPair m) { return Bits(m.a) | static_cast<uint64_t>(Bits(m.b)) << kHalf; }
  static RN_ALWAYS_INLINE MaskPair FromBits(uint64_t bits) {
    return {MaskOf(static_cast<uint32_t>(bits)), MaskOf(static_cast<uint32_t>(bits >> kHalf))};
  }
  static RN_ALWAYS_INLINE FloatPair At(const float* p) { return {Load(p), Load(p + kHalf)}; }
  static RN_ALWAYS_INLINE void To(float* p, FloatPair x) {
    Store(p, x.a);
    Store(p + kHalf, x.b);
  }
  static RN_ALWAYS_INLINE void StreamTo(float* p, FloatPair x) {
    Stream(p, x.a);
    Stream(p + kHalf, x.b);
  }
};

}  // namespace rn::cpu::RN_ISA

#endif
