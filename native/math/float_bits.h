// The bits of a float as an integer, and back.
#ifndef RETINANET_OPS_MATH_FLOAT_BITS_H
#define RETINANET_OPS_MATH_FLOAT_BITS_H

#include <cstdint>
#include <cstring>

#include "host_device.h"

namespace rn {

RN_HD uint32_t BitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

RN_HD float FloatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

RN_HD uint64_t BitsOf(double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

RN_HD double DoubleOf(uint64_t bits) {
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace rn

#endif
