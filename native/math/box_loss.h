// The box loss of one anchor: a regression of its deltas towards those of its ground-truth box; or, by a formula of
// whole boxes, of the box that they decode to towards that box itself.
#ifndef RETINANET_OPS_MATH_BOX_LOSS_H
#define RETINANET_OPS_MATH_BOX_LOSS_H

#include "box_coder.h"
#include "regression_term.h"

namespace rn {

template <class Formula>
struct BoxLossTerm {
  static constexpr int kLosses = 4 / Formula::kWidth;
  double losses[kLosses];
  double grad[4];  // of their sum, by the deltas
};

// From derivatives by the sides of a decoded box to those by its deltas: dx and dy move both sides by the anchor's
// size, dw and dh each by half of the box's own, in opposite directions, and not at all beyond the clipping; all over
// the coder's weights.
RN_HD void ByDeltas(const Box& anchor, const Box& decoded, const Deltas& weighted, const rn_coder_weights& by,
                    const double (&by_sides)[4], double (&by_deltas)[4]) {
  const Deltas deltas = Unweighted(weighted, by);
  const double width = static_cast<double>(decoded.x2) - static_cast<double>(decoded.x1);
  const double height = static_cast<double>(decoded.y2) - static_cast<double>(decoded.y1);
  by_deltas[0] = (by_sides[0] + by_sides[2]) * static_cast<double>(anchor.x2 - anchor.x1) / static_cast<double>(by.dx);
  by_deltas[1] = (by_sides[1] + by_sides[3]) * static_cast<double>(anchor.y2 - anchor.y1) / static_cast<double>(by.dy);
  by_deltas[2] = deltas.dw > kLargestLogSize ? 0 : (by_sides[2] - by_sides[0]) * width / 2 / static_cast<double>(by.dw);
  by_deltas[3] =
      deltas.dh > kLargestLogSize ? 0 : (by_sides[3] - by_sides[1]) * height / 2 / static_cast<double>(by.dh);
}

template <class Formula>
RN_HD BoxLossTerm<Formula> BoxLossOf(const Formula& formula, const Box& anchor, const Box& box,
                                     const rn_coder_weights& by, const float (&deltas)[4]) {
  float targets[4];
  BoxLossTerm<Formula> result;
  if constexpr (Formula::kWidth == 4) {
    const Deltas d = LoadDeltas(deltas);
    const Box decoded = Decode(anchor, d, by);
    float predictions[4];
    StoreBox(decoded, predictions);
    StoreBox(box, targets);
    const RegressionTerm<4> term = formula(predictions, targets);
    result.losses[0] = term.loss;
    ByDeltas(anchor, decoded, d, by, term.grad, result.grad);
    return result;
  }
  StoreDeltas(Encode(anchor, box, by), targets);
  for (int i = 0; i < 4; i += Formula::kWidth) {
    const auto term = formula(deltas + i, targets + i);
    result.losses[i / Formula::kWidth] = term.loss;
    for (int k = 0; k < Formula::kWidth; ++k) result.grad[i + k] = term.grad[k];
  }
  return result;
}

}  // namespace rn

#endif
