// Four float32 lanes: SSE2, the baseline of every x86-64 processor.
#ifndef RETINANET_OPS_VECTOR_SSE2_H
#define RETINANET_OPS_VECTOR_SSE2_H

#include <emmintrin.h>

#include <cstdint>

#include "../../math/host_device.h"

namespace rn::cpu::RN_ISA {

struct Mask {
  __m128 m;  // all bits of a lane or none
};

struct Float {
  static constexpr int kLanes = 4;
  static constexpr bool kFused = false;  // Fma rounds twice
  __m128 v;
  Float() = default;
  Float(__m128 value) : v(value) {}
  explicit Float(float value) : v(_mm_set1_ps(value)) {}
};

RN_HD Float operator+(Float a, Float b) { return _mm_add_ps(a.v, b.v); }
RN_HD Float operator-(Float a, Float b) { return _mm_sub_ps(a.v, b.v); }
RN_HD Float operator*(Float a, Float b) { return _mm_mul_ps(a.v, b.v); }
RN_HD Float operator/(Float a, Float b) { return _mm_div_ps(a.v, b.v); }
RN_HD Float Fma(Float a, Float b, Float c) { return a * b + c; }
RN_HD Float Max(Float a, Float b) { return _mm_max_ps(a.v, b.v); }  // a NaN: b
RN_HD Float Min(Float a, Float b) { return _mm_min_ps(a.v, b.v); }  // a NaN: b
RN_HD Float Sqrt(Float a) { return _mm_sqrt_ps(a.v); }
RN_HD Float Abs(Float a) { return _mm_andnot_ps(_mm_set1_ps(-0.0f), a.v); }

RN_HD Mask operator>(Float a, Float b) { return {_mm_cmpgt_ps(a.v, b.v)}; }
RN_HD Mask operator>=(Float a, Float b) { return {_mm_cmpge_ps(a.v, b.v)}; }
RN_HD Mask operator==(Float a, Float b) { return {_mm_cmpeq_ps(a.v, b.v)}; }
RN_HD Mask operator&(Mask a, Mask b) { return {_mm_and_ps(a.m, b.m)}; }
RN_HD Mask operator|(Mask a, Mask b) { return {_mm_or_ps(a.m, b.m)}; }
RN_HD uint32_t Bits(Mask a) { return static_cast<uint32_t>(_mm_movemask_ps(a.m)); }
RN_HD Mask MaskOf(uint32_t bits) {
  const __m128i lane = _mm_setr_epi32(1, 2, 4, 8);
  const __m128i set = _mm_and_si128(_mm_set1_epi32(static_cast<int32_t>(bits)), lane);
  return {_mm_castsi128_ps(_mm_cmpeq_epi32(set, lane))};
}
RN_HD Float Select(Mask m, Float a, Float b) { return _mm_or_ps(_mm_and_ps(m.m, a.v), _mm_andnot_ps(m.m, b.v)); }
RN_HD Float NegateWhere(Mask m, Float a) { return _mm_xor_ps(a.v, _mm_and_ps(m.m, _mm_set1_ps(-0.0f))); }
RN_HD Float IfNegative(Float x, Float a, Float b) {
  return Select({_mm_castsi128_ps(_mm_srai_epi32(_mm_castps_si128(x.v), 31))}, a, b);
}
RN_HD void SwapWhere(Mask m, Float& a, Float& b) {
  const __m128 difference = _mm_and_ps(m.m, _mm_xor_ps(a.v, b.v));
  a.v = _mm_xor_ps(a.v, difference);
  b.v = _mm_xor_ps(b.v, difference);
}

// The larger of two that are not negative; a NaN counts as the largest.
RN_HD Float LargerMagnitude(Float a, Float b) {
  return Select({_mm_castsi128_ps(_mm_cmpgt_epi32(_mm_castps_si128(a.v), _mm_castps_si128(b.v)))}, a, b);
}

// a * 2^n, n the integer in the low bits of `biased` (see RoundToInteger).
RN_HD Float ScaleByPowerOfTwo(Float a, Float biased) {
  const __m128i n = _mm_slli_epi32(_mm_castps_si128(biased.v), 23);
  return _mm_castsi128_ps(_mm_add_epi32(_mm_castps_si128(a.v), n));
}

// a = mantissa * 2^exponent with the mantissa in [sqrt(1/2), sqrt(2)); a positive and normal.
RN_HD Float SplitExponent(Float a, Float& mantissa) {
  const __m128i bits = _mm_castps_si128(a.v);
  const __m128i n = _mm_srai_epi32(_mm_sub_epi32(bits, _mm_set1_epi32(0x3f3504f3)), 23);
  mantissa = _mm_castsi128_ps(_mm_sub_epi32(bits, _mm_slli_epi32(n, 23)));
  return _mm_cvtepi32_ps(n);
}

RN_HD Float Load(const float* p) { return _mm_loadu_ps(p); }
RN_HD void Store(float* p, Float a) { _mm_storeu_ps(p, a.v); }
RN_HD void Stream(float* p, Float a) { _mm_stream_ps(p, a.v); }

// Adds float32 lanes up in float64, in an order that depends on nothing else.
struct Sum {
  __m128d low = _mm_setzero_pd(), high = _mm_setzero_pd();
  RN_ALWAYS_INLINE void Add(Float a) {
    low = _mm_add_pd(low, _mm_cvtps_pd(a.v));
    high = _mm_add_pd(high, _mm_cvtps_pd(_mm_movehl_ps(a.v, a.v)));
  }
  // To as many doubles as there are lanes.
  RN_ALWAYS_INLINE void AddTo(double* lanes) const {
    _mm_storeu_pd(lanes, _mm_add_pd(low, _mm_loadu_pd(lanes)));
    _mm_storeu_pd(lanes + 2, _mm_add_pd(high, _mm_loadu_pd(lanes + 2)));
  }
  RN_ALWAYS_INLINE double Total() const {
    alignas(16) double lanes[2];
    _mm_store_pd(lanes, _mm_add_pd(low, high));
    return lanes[0] + lanes[1];
  }
};

}  // namespace rn::cpu::RN_ISA

#endif
