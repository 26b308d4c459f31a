// The box loss of one anchor: a regression of its deltas towards those of its ground-truth box.
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

template <class Formula>
RN_HD BoxLossTerm<Formula> BoxLossOf(const Formula& formula, const Box& anchor, const Box& box,
                                     const float (&deltas)[4]) {
  float targets[4];
  StoreDeltas(Encode(anchor, box), targets);
  BoxLossTerm<Formula> result;
  for (int i = 0; i < 4; i += Formula::kWidth) {
    const auto term = formula(deltas + i, targets + i);
    result.losses[i / Formula::kWidth] = term.loss;
    for (int k = 0; k < Formula::kWidth; ++k) result.grad[i + k] = term.grad[k];
  }
  return result;
}

}  // namespace rn

#endif
