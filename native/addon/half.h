// float16 and bfloat16 on the host, for the way to and from a Float32Array. Rounding: to nearest, ties to even.
#ifndef RETINANET_OPS_HALF_H
#define RETINANET_OPS_HALF_H

#include <cstdint>

#include "../math/float_bits.h"
#include "memory.h"

namespace rn::addon {

inline uint16_t ToBfloat16(float value) {
  const uint32_t bits = BitsOf(value);
  if (value != value) return static_cast<uint16_t>(bits >> 16 | 0x40);  // a quiet NaN
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

inline float FromBfloat16(uint16_t half) { return FloatOf(static_cast<uint32_t>(half) << 16); }

inline uint16_t ToFloat16(float value) {
  const uint32_t sign = BitsOf(value) >> 16 & 0x8000;
  const uint32_t bits = BitsOf(value) & 0x7fffffff;
  if (bits > 0x7f800000) return static_cast<uint16_t>(sign | 0x7e00);
  if (bits >= 0x477ff000) return static_cast<uint16_t>(sign | 0x7c00);  // 65520 and above round to infinity
  if (bits < 0x38800000) {
    // Below 2^-14 there are only multiples of 2^-24, the last bit of a float32 next to 0.5: the addition rounds.
    return static_cast<uint16_t>(sign | (BitsOf(FloatOf(bits) + 0.5f) - BitsOf(0.5f)));
  }
  return static_cast<uint16_t>(sign | ((bits + 0xfff + (bits >> 13 & 1)) - 0x38000000) >> 13);
}

inline float FromFloat16(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t magnitude = half & 0x7fff;
  if (magnitude >= 0x7c00) return FloatOf(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
  const float value =
      magnitude < 0x400 ? static_cast<float>(magnitude) * 0x1p-24f : FloatOf((magnitude << 13) + 0x38000000);
  return FloatOf(sign | BitsOf(value));
}

inline void Narrow(ElementType type, const float* from, int64_t count, uint16_t* to) {
  if (type == ElementType::kFloat16) {
    for (int64_t i = 0; i < count; ++i) to[i] = ToFloat16(from[i]);
  } else {
    for (int64_t i = 0; i < count; ++i) to[i] = ToBfloat16(from[i]);
  }
}

inline void Widen(ElementType type, const uint16_t* from, int64_t count, float* to) {
  if (type == ElementType::kFloat16) {
    for (int64_t i = 0; i < count; ++i) to[i] = FromFloat16(from[i]);
  } else {
    for (int64_t i = 0; i < count; ++i) to[i] = FromBfloat16(from[i]);
  }
}

}  // namespace rn::addon

#endif
