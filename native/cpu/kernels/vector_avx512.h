// Sixteen float32 lanes: AVX-512 F, DQ, BW and VL.
#ifndef RETINANET_OPS_VECTOR_AVX512_H
#define RETINANET_OPS_VECTOR_AVX512_H

#include <immintrin.h>

#include <cstdint>

#include "../../math/host_device.h"

namespace rn::cpu::RN_ISA {

struct Mask {
  __mmask16 m;
};

struct Float {
  static constexpr int kLanes = 16;
  static constexpr bool kFused = true;  // Fma rounds once
  __m512 v;
  Float() = default;
  Float(__m512 value) : v(value) {}
  explicit Float(float value) : v(_mm512_set1_ps(value)) {}
};

RN_HD Float operator+(Float a, Float b) { return _mm512_add_ps(a.v, b.v); }
RN_HD Float operator-(Float a, Float b) { return _mm512_sub_ps(a.v, b.v); }
RN_HD Float operator*(Float a, Float b) { return _mm512_mul_ps(a.v, b.v); }
RN_HD Float operator/(Float a, Float b) { return _mm512_div_ps(a.v, b.v); }
RN_HD Float Fma(Float a, Float b, Float c) { return _mm512_fmadd_ps(a.v, b.v, c.v); }
RN_HD Float Max(Float a, Float b) { return _mm512_max_ps(a.v, b.v); }  // a NaN: b
RN_HD Float Min(Float a, Float b) { return _mm512_min_ps(a.v, b.v); }  // a NaN: b
RN_HD Float Abs(Float a) { return _mm512_abs_ps(a.v); }
RN_HD Float Sqrt(Float a) { return _mm512_sqrt_ps(a.v); }

RN_HD Mask operator>(Float a, Float b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ)}; }
RN_HD Mask operator>=(Float a, Float b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GE_OQ)}; }
RN_HD Mask operator==(Float a, Float b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
RN_HD Mask operator&(Mask a, Mask b) { return {static_cast<__mmask16>(a.m & b.m)}; }
RN_HD Mask operator|(Mask a, Mask b) { return {static_cast<__mmask16>(a.m | b.m)}; }
RN_HD uint32_t Bits(Mask a) { return a.m; }
RN_HD Mask MaskOf(uint32_t bits) { return {static_cast<__mmask16>(bits)}; }
RN_HD Float Select(Mask m, Float a, Float b) { return _mm512_mask_blend_ps(m.m, b.v, a.v); }
RN_HD Float NegateWhere(Mask m, Float a) {
  const __m512i sign = _mm512_set1_epi32(INT32_MIN);
  const __m512i bits = _mm512_castps_si512(a.v);
  return _mm512_castsi512_ps(_mm512_mask_xor_epi32(bits, m.m, bits, sign));
}
RN_HD Float IfNegative(Float x, Float a, Float b) {
  return _mm512_mask_blend_ps(_mm512_movepi32_mask(_mm512_castps_si512(x.v)), b.v, a.v);
}
RN_HD void SwapWhere(Mask m, Float& a, Float& b) {
  const __m512 old = a.v;
  a.v = _mm512_mask_mov_ps(a.v, m.m, b.v);
  b.v = _mm512_mask_mov_ps(b.v, m.m, old);
}

// The larger of two that are not negative; a NaN counts as the largest.
RN_HD Float LargerMagnitude(Float a, Float b) {
  return _mm512_castsi512_ps(_mm512_max_epi32(_mm512_castps_si512(a.v), _mm512_castps_si512(b.v)));
}

// a * 2^n, n the integer in the low bits of `biased` (see RoundToInteger).
RN_HD Float ScaleByPowerOfTwo(Float a, Float biased) {
  const __m512i n = _mm512_slli_epi32(_mm512_castps_si512(biased.v), 23);
  return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a.v), n));
}

// a = mantissa * 2^exponent with the mantissa in [sqrt(1/2), sqrt(2)); a positive and normal.
RN_HD Float SplitExponent(Float a, Float& mantissa) {
  const __m512i bits = _mm512_castps_si512(a.v);
  const __m512i n = _mm512_srai_epi32(_mm512_sub_epi32(bits, _mm512_set1_epi32(0x3f3504f3)), 23);
  mantissa = _mm512_castsi512_ps(_mm512_sub_epi32(bits, _mm512_slli_epi32(n, 23)));
  return _mm512_cvtepi32_ps(n);
}

RN_HD Float Load(const float* p) { return _mm512_loadu_ps(p); }
RN_HD void Store(float* p, Float a) { _mm512_storeu_ps(p, a.v); }
RN_HD void Stream(float* p, Float a) {
  _mm_stream_ps(p, _mm512_castps512_ps128(a.v));
  _mm_stream_ps(p + 4, _mm512_extractf32x4_ps(a.v, 1));
  _mm_stream_ps(p + 8, _mm512_extractf32x4_ps(a.v, 2));
  _mm_stream_ps(p + 12, _mm512_extractf32x4_ps(a.v, 3));
}

// Adds float32 lanes up in float64, in an order that depends on nothing else.
struct Sum {
  __m512d low = _mm512_setzero_pd(), high = _mm512_setzero_pd();
  RN_ALWAYS_INLINE void Add(Float a) {
    low = _mm512_add_pd(low, _mm512_cvtps_pd(_mm512_castps512_ps256(a.v)));
    high = _mm512_add_pd(high, _mm512_cvtps_pd(_mm512_extractf32x8_ps(a.v, 1)));
  }
  // To as many doubles as there are lanes.
  RN_ALWAYS_INLINE void AddTo(double* lanes) const {
    _mm512_storeu_pd(lanes, _mm512_add_pd(low, _mm512_loadu_pd(lanes)));
    _mm512_storeu_pd(lanes + 8, _mm512_add_pd(high, _mm512_loadu_pd(lanes + 8)));
  }
  RN_ALWAYS_INLINE double Total() const { return _mm512_reduce_add_pd(_mm512_add_pd(low, high)); }
};

}  // namespace rn::cpu::RN_ISA

#endif
