// Eight float32 lanes: AVX2 and FMA.
#ifndef RETINANET_OPS_VECTOR_AVX2_H
#define RETINANET_OPS_VECTOR_AVX2_H

#include <immintrin.h>

#include <cstdint>

#include "../../math/host_device.h"

namespace rn::cpu::RN_ISA {

struct Mask {
  __m256 m;  // all bits of a lane or none
};

struct Float {
  static constexpr int kLanes = 8;
  static constexpr bool kFused = true;  // Fma rounds once
  __m256 v;
  Float() = default;
  Float(__m256 value) : v(value) {}
  explicit Float(float value) : v(_mm256_set1_ps(value)) {}
};

RN_HD Float operator+(Float a, Float b) { return _mm256_add_ps(a.v, b.v); }
RN_HD Float operator-(Float a, Float b) { return _mm256_sub_ps(a.v, b.v); }
RN_HD Float operator*(Float a, Float b) { return _mm256_mul_ps(a.v, b.v); }
RN_HD Float operator/(Float a, Float b) { return _mm256_div_ps(a.v, b.v); }
RN_HD Float Fma(Float a, Float b, Float c) { return _mm256_fmadd_ps(a.v, b.v, c.v); }
RN_HD Float Max(Float a, Float b) { return _mm256_max_ps(a.v, b.v); }  // a NaN: b
RN_HD Float Min(Float a, Float b) { return _mm256_min_ps(a.v, b.v); }  // a NaN: b
RN_HD Float Sqrt(Float a) { return _mm256_sqrt_ps(a.v); }
RN_HD Float Abs(Float a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v); }

RN_HD Mask operator>(Float a, Float b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_GT_OQ)}; }
RN_HD Mask operator>=(Float a, Float b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_GE_OQ)}; }
RN_HD Mask operator==(Float a, Float b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
RN_HD Mask operator&(Mask a, Mask b) { return {_mm256_and_ps(a.m, b.m)}; }
RN_HD Mask operator|(Mask a, Mask b) { return {_mm256_or_ps(a.m, b.m)}; }
RN_HD uint32_t Bits(Mask a) { return static_cast<uint32_t>(_mm256_movemask_ps(a.m)); }
RN_HD Mask MaskOf(uint32_t bits) {
  const __m256i lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  const __m256i set = _mm256_and_si256(_mm256_set1_epi32(static_cast<int32_t>(bits)), lane);
  return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(set, lane))};
}
RN_HD Float Select(Mask m, Float a, Float b) { return _mm256_blendv_ps(b.v, a.v, m.m); }
RN_HD Float NegateWhere(Mask m, Float a) { return _mm256_xor_ps(a.v, _mm256_and_ps(m.m, _mm256_set1_ps(-0.0f))); }
RN_HD Float IfNegative(Float x, Float a, Float b) { return _mm256_blendv_ps(b.v, a.v, x.v); }
RN_HD void SwapWhere(Mask m, Float& a, Float& b) {
  const __m256 difference = _mm256_and_ps(m.m, _mm256_xor_ps(a.v, b.v));
  a.v = _mm256_xor_ps(a.v, difference);
  b.v = _mm256_xor_ps(b.v, difference);
}

// The larger of two that are not negative; a NaN counts as the largest.
RN_HD Float LargerMagnitude(Float a, Float b) {
  return _mm256_castsi256_ps(_mm256_max_epi32(_mm256_castps_si256(a.v), _mm256_castps_si256(b.v)));
}

// a * 2^n, n the integer in the low bits of `biased` (see RoundToInteger).
RN_HD Float ScaleByPowerOfTwo(Float a, Float biased) {
  const __m256i n = _mm256_slli_epi32(_mm256_castps_si256(biased.v), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a.v), n));
}

// a = mantissa * 2^exponent with the mantissa in [sqrt(1/2), sqrt(2)); a positive and normal.
RN_HD Float SplitExponent(Float a, Float& mantissa) {
  const __m256i bits = _mm256_castps_si256(a.v);
  const __m256i n = _mm256_srai_epi32(_mm256_sub_epi32(bits, _mm256_set1_epi32(0x3f3504f3)), 23);
  mantissa = _mm256_castsi256_ps(_mm256_sub_epi32(bits, _mm256_slli_epi32(n, 23)));
  return _mm256_cvtepi32_ps(n);
}

RN_HD Float Load(const float* p) { return _mm256_loadu_ps(p); }
RN_HD void Store(float* p, Float a) { _mm256_storeu_ps(p, a.v); }
RN_HD void Stream(float* p, Float a) {
  _mm_stream_ps(p, _mm256_castps256_ps128(a.v));
  _mm_stream_ps(p + 4, _mm256_extractf128_ps(a.v, 1));
}

// Adds float32 lanes up in float64, in an order that depends on nothing else.
struct Sum {
  __m256d low = _mm256_setzero_pd(), high = _mm256_setzero_pd();
  RN_ALWAYS_INLINE void Add(Float a) {
    low = _mm256_add_pd(low, _mm256_cvtps_pd(_mm256_castps256_ps128(a.v)));
    high = _mm256_add_pd(high, _mm256_cvtps_pd(_mm256_extractf128_ps(a.v, 1)));
  }
  // To as many doubles as there are lanes.
  RN_ALWAYS_INLINE void AddTo(double* lanes) const {
    _mm256_storeu_pd(lanes, _mm256_add_pd(low, _mm256_loadu_pd(lanes)));
    _mm256_storeu_pd(lanes + 4, _mm256_add_pd(high, _mm256_loadu_pd(lanes + 4)));
  }
  RN_ALWAYS_INLINE double Total() const {
    alignas(32) double lanes[4];
    _mm256_store_pd(lanes, _mm256_add_pd(low, high));
    return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
  }
};

}  // namespace rn::cpu::RN_ISA

#endif
