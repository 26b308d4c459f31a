// Unsigned keys that rise as a number falls: sorting by them, stably, sorts by falling score. Both zeros have one key;
// a NaN comes before +Infinity or, negative, after -Infinity.
#ifndef RETINANET_OPS_MATH_FALLING_KEY_H
#define RETINANET_OPS_MATH_FALLING_KEY_H

#include <cstdint>
#include <cstring>

#include "float_bits.h"
#include "host_device.h"

namespace rn {

RN_HD uint32_t FallingKey(float value) {
  uint32_t bits = BitsOf(value);
  if (bits == uint32_t{1} << 31) bits = 0;
  return bits >> 31 ? bits : ~bits & ~(uint32_t{1} << 31);
}

RN_HD uint64_t FallingKey(double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (bits == uint64_t{1} << 63) bits = 0;
  return bits >> 63 ? bits : ~bits & ~(uint64_t{1} << 63);
}

}  // namespace rn

#endif
