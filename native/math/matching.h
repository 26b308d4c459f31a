// Which anchors the thresholds of a matching tell apart.
#ifndef RETINANET_OPS_MATH_MATCHING_H
#define RETINANET_OPS_MATH_MATCHING_H

#include "host_device.h"

namespace rn {

// Below this IoU all anchors fare alike, unless some box has its best IoU with them: with a negative threshold of zero
// nothing is background, and only the positive one tells anchors apart.
RN_HD float LeastThreshold(float positive, float negative) { return negative > 0 ? negative : positive; }

}  // namespace rn

#endif
