// Four float32 lanes: NEON, the baseline of every AArch64 processor.
#ifndef RETINANET_OPS_VECTOR_NEON_H
#define RETINANET_OPS_VECTOR_NEON_H

#include <arm_neon.h>

#include <cstdint>

#include "../../math/host_device.h"

namespace rn::cpu::RN_ISA {

struct Mask {
  uint32x4_t m;  // all bits of a lane or none
};

struct Float {
  static constexpr int kLanes = 4;
  static constexpr bool kFused = true;  // Fma rounds once
  float32x4_t v;
  Float() = default;
  Float(float32x4_t value) : v(value) {}
  explicit Float(float value) : v(vdupq_n_f32(value)) {}
};

RN_HD Float operator+(Float a, Float b) { return vaddq_f32(a.v, b.v); }
RN_HD Float operator-(Float a, Float b) { return vsubq_f32(a.v, b.v); }
RN_HD Float operator*(Float a, Float b) { return vmulq_f32(a.v, b.v); }
RN_HD Float operator/(Float a, Float b) { return vdivq_f32(a.v, b.v); }
RN_HD Float Fma(Float a, Float b, Float c) { return vfmaq_f32(c.v, a.v, b.v); }
// As on x86, a NaN in a gives b: the callers put what may be NaN second.
RN_HD Float Max(Float a, Float b) { return vbslq_f32(vcgtq_f32(a.v, b.v), a.v, b.v); }
RN_HD Float Min(Float a, Float b) { return vbslq_f32(vcltq_f32(a.v, b.v), a.v, b.v); }
RN_HD Float Sqrt(Float a) { return vsqrtq_f32(a.v); }
RN_HD Float Abs(Float a) { return vabsq_f32(a.v); }

RN_HD Mask operator>(Float a, Float b) { return {vcgtq_f32(a.v, b.v)}; }
RN_HD Mask operator>=(Float a, Float b) { return {vcgeq_f32(a.v, b.v)}; }
RN_HD Mask operator==(Float a, Float b) { return {vceqq_f32(a.v, b.v)}; }
RN_HD Mask operator&(Mask a, Mask b) { return {vandq_u32(a.m, b.m)}; }
RN_HD Mask operator|(Mask a, Mask b) { return {vorrq_u32(a.m, b.m)}; }
RN_HD uint32x4_t LaneBit() {
  const uint32_t lane[4] = {1, 2, 4, 8};
  return vld1q_u32(lane);
}
RN_HD uint32_t Bits(Mask a) { return vaddvq_u32(vandq_u32(a.m, LaneBit())); }
RN_HD Mask MaskOf(uint32_t bits) { return {vtstq_u32(vdupq_n_u32(bits), LaneBit())}; }
RN_HD Float Select(Mask m, Float a, Float b) { return vbslq_f32(m.m, a.v, b.v); }
RN_HD Float NegateWhere(Mask m, Float a) {
  const uint32x4_t sign = vandq_u32(m.m, vdupq_n_u32(0x80000000u));
  return vreinterpretq_f32_u32(veorq_u32(vreinterpretq_u32_f32(a.v), sign));
}
RN_HD Float IfNegative(Float x, Float a, Float b) { return Select({vcltzq_f32(x.v)}, a, b); }
RN_HD void SwapWhere(Mask m, Float& a, Float& b) {
  const Float old = a;
  a = Select(m, b, a);
  b = Select(m, old, b);
}

// The larger of two that are not negative; a NaN counts as the largest.
RN_HD Float LargerMagnitude(Float a, Float b) {
  return vreinterpretq_f32_s32(vmaxq_s32(vreinterpretq_s32_f32(a.v), vreinterpretq_s32_f32(b.v)));
}

// a * 2^n, n the integer in the low bits of `biased` (see RoundToInteger).
RN_HD Float ScaleByPowerOfTwo(Float a, Float biased) {
  const int32x4_t n = vshlq_n_s32(vreinterpretq_s32_f32(biased.v), 23);
  return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(a.v), n));
}

// a = mantissa * 2^exponent with the mantissa in [sqrt(1/2), sqrt(2)); a positive and normal.
RN_HD Float SplitExponent(Float a, Float& mantissa) {
  const int32x4_t bits = vreinterpretq_s32_f32(a.v);
  const int32x4_t n = vshrq_n_s32(vsubq_s32(bits, vdupq_n_s32(0x3f3504f3)), 23);
  mantissa = vreinterpretq_f32_s32(vsubq_s32(bits, vshlq_n_s32(n, 23)));
  return vcvtq_f32_s32(n);
}

RN_HD Float Load(const float* p) { return vld1q_f32(p); }
RN_HD void Store(float* p, Float a) { vst1q_f32(p, a.v); }
RN_HD void Stream(float* p, Float a) { Store(p, a); }  // no store past the cache in NEON's intrinsics

// Adds float32 lanes up in float64, in an order that depends on nothing else.
struct Sum {
  float64x2_t low = vdupq_n_f64(0), high = vdupq_n_f64(0);
  RN_ALWAYS_INLINE void Add(Float a) {
    low = vaddq_f64(low, vcvt_f64_f32(vget_low_f32(a.v)));
    high = vaddq_f64(high, vcvt_high_f64_f32(a.v));
  }
  // To as many doubles as there are lanes.
  RN_ALWAYS_INLINE void AddTo(double* lanes) const {
    vst1q_f64(lanes, vaddq_f64(low, vld1q_f64(lanes)));
    vst1q_f64(lanes + 2, vaddq_f64(high, vld1q_f64(lanes + 2)));
  }
  RN_ALWAYS_INLINE double Total() const { return vaddvq_f64(vaddq_f64(low, high)); }
};

}  // namespace rn::cpu::RN_ISA

#endif
