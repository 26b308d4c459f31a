// Vectors side by side, as one value of twice the lanes: the formulas' chains of dependent operations then overlap, and
// constants are loaded once for all.
#ifndef RETINANET_OPS_KERNELS_PAIR_H
#define RETINANET_OPS_KERNELS_PAIR_H

#include <cstdint>

#include "vector.h"

namespace rn::cpu::RN_ISA {

template <class M>
struct MaskPair {
  M a, b;
};

template <class F>
struct Pair {
  static constexpr int kLanes = 2 * F::kLanes;
  static constexpr bool kFused = F::kFused;
  F a, b;
  Pair() = default;
  RN_ALWAYS_INLINE Pair(F first, F second) : a(first), b(second) {}
  RN_ALWAYS_INLINE explicit Pair(float value) : a(value), b(value) {}
};

template <class F>
RN_HD Pair<F> operator+(Pair<F> x, Pair<F> y) {
  return {x.a + y.a, x.b + y.b};
}
template <class F>
RN_HD Pair<F> operator-(Pair<F> x, Pair<F> y) {
  return {x.a - y.a, x.b - y.b};
}
template <class F>
RN_HD Pair<F> operator*(Pair<F> x, Pair<F> y) {
  return {x.a * y.a, x.b * y.b};
}
template <class F>
RN_HD Pair<F> operator/(Pair<F> x, Pair<F> y) {
  return {x.a / y.a, x.b / y.b};
}
template <class F>
RN_HD Pair<F> Fma(Pair<F> x, Pair<F> y, Pair<F> z) {
  return {Fma(x.a, y.a, z.a), Fma(x.b, y.b, z.b)};
}
template <class F>
RN_HD Pair<F> Max(Pair<F> x, Pair<F> y) {
  return {Max(x.a, y.a), Max(x.b, y.b)};
}
template <class F>
RN_HD Pair<F> Abs(Pair<F> x) {
  return {Abs(x.a), Abs(x.b)};
}
template <class F>
RN_HD auto operator>(Pair<F> x, Pair<F> y) -> MaskPair<decltype(x.a > y.a)> {
  return {x.a > y.a, x.b > y.b};
}
template <class F>
RN_HD auto operator>=(Pair<F> x, Pair<F> y) -> MaskPair<decltype(x.a >= y.a)> {
  return {x.a >= y.a, x.b >= y.b};
}
template <class M>
RN_HD MaskPair<M> operator|(MaskPair<M> x, MaskPair<M> y) {
  return {x.a | y.a, x.b | y.b};
}
template <class M, class F>
RN_HD Pair<F> Select(MaskPair<M> m, Pair<F> x, Pair<F> y) {
  return {Select(m.a, x.a, y.a), Select(m.b, x.b, y.b)};
}
template <class M, class F>
RN_HD Pair<F> NegateWhere(MaskPair<M> m, Pair<F> x) {
  return {NegateWhere(m.a, x.a), NegateWhere(m.b, x.b)};
}
template <class M, class F>
RN_HD void SwapWhere(MaskPair<M> m, Pair<F>& x, Pair<F>& y) {
  SwapWhere(m.a, x.a, y.a);
  SwapWhere(m.b, x.b, y.b);
}
template <class F>
RN_HD Pair<F> ScaleByPowerOfTwo(Pair<F> x, Pair<F> biased) {
  return {ScaleByPowerOfTwo(x.a, biased.a), ScaleByPowerOfTwo(x.b, biased.b)};
}
template <class F>
RN_HD Pair<F> SplitExponent(Pair<F> x, Pair<F>& mantissa) {
  return {SplitExponent(x.a, mantissa.a), SplitExponent(x.b, mantissa.b)};
}

// A type's lanes as bits and in memory.
template <class F>
struct Lanes;

template <>
struct Lanes<Float> {
  static RN_ALWAYS_INLINE uint64_t ToBits(Mask m) { return Bits(m); }
  static RN_ALWAYS_INLINE bool All(Mask m) { return Bits(m) == (1u << Float::kLanes) - 1; }
  static RN_ALWAYS_INLINE Mask FromBits(uint64_t bits) { return MaskOf(static_cast<uint32_t>(bits)); }
  static RN_ALWAYS_INLINE Float At(const float* p) { return Load(p); }
  static RN_ALWAYS_INLINE void To(float* p, Float x) { Store(p, x); }
  static RN_ALWAYS_INLINE void StreamTo(float* p, Float x) { Stream(p, x); }
  static RN_ALWAYS_INLINE Float Folded(Float x) { return x; }
};

template <class F>
struct Lanes<Pair<F>> {
  static constexpr int kHalf = F::kLanes;
  template <class M>
  static RN_ALWAYS_INLINE uint64_t ToBits(MaskPair<M> m) {
    return Lanes<F>::ToBits(m.a) | Lanes<F>::ToBits(m.b) << kHalf;
  }
  template <class M>
  static RN_ALWAYS_INLINE bool All(MaskPair<M> m) {
    return Lanes<F>::All(m.a & m.b);
  }
  static RN_ALWAYS_INLINE auto FromBits(uint64_t bits) -> MaskPair<decltype(Lanes<F>::FromBits(bits))> {
    return {Lanes<F>::FromBits(bits), Lanes<F>::FromBits(bits >> kHalf)};
  }
  static RN_ALWAYS_INLINE Pair<F> At(const float* p) { return {Lanes<F>::At(p), Lanes<F>::At(p + kHalf)}; }
  static RN_ALWAYS_INLINE void To(float* p, Pair<F> x) {
    Lanes<F>::To(p, x.a);
    Lanes<F>::To(p + kHalf, x.b);
  }
  static RN_ALWAYS_INLINE void StreamTo(float* p, Pair<F> x) {
    Lanes<F>::StreamTo(p, x.a);
    Lanes<F>::StreamTo(p + kHalf, x.b);
  }
  // The sum of the vectors.
  static RN_ALWAYS_INLINE Float Folded(Pair<F> x) { return Lanes<F>::Folded(x.a) + Lanes<F>::Folded(x.b); }
};

// As many vectors as the registers hold through a formula.
using Wide = Pair<Float>;

}  // namespace rn::cpu::RN_ISA

#endif
