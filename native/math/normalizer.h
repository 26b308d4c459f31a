// What losses are divided by.
#ifndef RETINANET_OPS_MATH_NORMALIZER_H
#define RETINANET_OPS_MATH_NORMALIZER_H

#include "host_device.h"

namespace rn {

// A number of positives, or what stands for it: none counts as one.
RN_HD double DivisorOf(double number) { return number != 0 ? number : 1; }

}  // namespace rn

#endif
