// Box deltas relative to an anchor: torchvision.models.detection._utils.BoxCoder (Girshick et al. 2014, appendix C).
#ifndef RETINANET_OPS_MATH_BOX_CODER_H
#define RETINANET_OPS_MATH_BOX_CODER_H

#include <cmath>

#include "../backend/values.h"
#include "box.h"

namespace rn {

struct Deltas {
  float dx, dy, dw, dh;
};

RN_HD Deltas LoadDeltas(const float* p) { return {p[0], p[1], p[2], p[3]}; }

RN_HD void StoreDeltas(const Deltas& d, float* p) {
  p[0] = d.dx;
  p[1] = d.dy;
  p[2] = d.dw;
  p[3] = d.dh;
}

// log(1000 / 16): decoding clips dw and dh there, which keeps exp of an untrained network's output finite.
constexpr float kLargestLogSize = 4.135166556742356f;

RN_HD Deltas Encode(const Box& anchor, const Box& box, const rn_coder_weights& by) {
  const float anchor_width = anchor.x2 - anchor.x1;
  const float anchor_height = anchor.y2 - anchor.y1;
  const float width = box.x2 - box.x1;
  const float height = box.y2 - box.y1;
  return {by.dx * ((box.x1 + 0.5f * width) - (anchor.x1 + 0.5f * anchor_width)) / anchor_width,
          by.dy * ((box.y1 + 0.5f * height) - (anchor.y1 + 0.5f * anchor_height)) / anchor_height,
          by.dw * std::log(width / anchor_width), by.dh * std::log(height / anchor_height)};
}

// Of an encoded box, without the weights.
RN_HD Deltas Unweighted(const Deltas& d, const rn_coder_weights& by) {
  return {d.dx / by.dx, d.dy / by.dy, d.dw / by.dw, d.dh / by.dh};
}

RN_HD Box Decode(const Box& anchor, const Deltas& weighted, const rn_coder_weights& by) {
  const Deltas d = Unweighted(weighted, by);
  const float anchor_width = anchor.x2 - anchor.x1;
  const float anchor_height = anchor.y2 - anchor.y1;
  const float center_x = d.dx * anchor_width + (anchor.x1 + 0.5f * anchor_width);
  const float center_y = d.dy * anchor_height + (anchor.y1 + 0.5f * anchor_height);
  const float largest = kLargestLogSize;
  // Written so that NaN stays NaN.
  const float dw = d.dw > largest ? largest : d.dw;
  const float dh = d.dh > largest ? largest : d.dh;
  const float half_width = 0.5f * (std::exp(dw) * anchor_width);
  const float half_height = 0.5f * (std::exp(dh) * anchor_height);
  return {center_x - half_width, center_y - half_height, center_x + half_width, center_y + half_height};
}

// Whether a row of a network's output is a box: its deltas are finite, and so is what they decode to. Asked before
// clipping, which would make a box on the image's border of infinite ones.
RN_HD bool IsBox(const Box& anchor, const Deltas& d, const rn_coder_weights& by) {
  return IsFinite(d.dx) && IsFinite(d.dy) && IsFinite(d.dw) && IsFinite(d.dh) && IsFinite(Decode(anchor, d, by));
}

}  // namespace rn

#endif
