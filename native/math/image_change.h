// A training picture that is moved, zoomed, mirrored and coloured anew: along an axis of `size` pixels what lay at x
// comes to (x - size/2) * scale + size/2 + shift, and a value v becomes (v - 128) * gain + 128 + offset.
#ifndef RETINANET_OPS_IMAGE_CHANGE_H
#define RETINANET_OPS_IMAGE_CHANGE_H

#include <cstdint>

#include "host_device.h"

namespace rn {

// The two pixels of a picture between which a pixel of the changed one lies, and which share of the way.
struct SourcePixels {
  int64_t low, high;
  float share;
};

// Of pixel i along an axis. Beyond its border the picture goes on as it is there.
RN_HD SourcePixels SourceOf(int64_t i, int64_t size, double scale, double shift) {
  const double half = 0.5 * static_cast<double>(size), last = static_cast<double>(size - 1);
  const double at = (static_cast<double>(i) + 0.5 - half - shift) / scale + half - 0.5;
  const double inside = !(at > 0) ? 0 : at < last ? at : last;  // NaN: 0
  const auto low = static_cast<int64_t>(inside);
  return {low, low + 1 < size ? low + 1 : low, static_cast<float>(inside - static_cast<double>(low))};
}

RN_HD float Between(float from, float to, float share) { return from + (to - from) * share; }

RN_HD float Coloured(float value, float gain, float offset) {
  const float changed = (value - 128.0f) * gain + (128.0f + offset);
  return changed < 0.0f ? 0.0f : changed > 255.0f ? 255.0f : changed;
}

}  // namespace rn

#endif
