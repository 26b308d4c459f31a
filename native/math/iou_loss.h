// The IoU losses of two boxes: generalized (Rezatofighi et al. 2019), distance and complete IoU (Zheng et al. 2020), as
// torchvision.ops.generalized_box_iou_loss, distance_box_iou_loss and complete_box_iou_loss define them.
#ifndef RETINANET_OPS_MATH_IOU_LOSS_H
#define RETINANET_OPS_MATH_IOU_LOSS_H

#include <cmath>

#include "regression_term.h"

namespace rn {

// Keeps boxes without area from dividing by 0.
constexpr double kIouEpsilon = 1e-7;

// What a minimum or a maximum of two numbers moves by, by the first of them: ties are shared.
RN_HD double ShareOf(double first_is_taken, double is_tie) { return first_is_taken + 0.5 * is_tie; }

// One axis of two boxes, and its derivatives by the predicted low and high side.
struct Overlap {
  double size;  // of the predicted box
  double target_size;
  double inter, inter_by[2];  // of the intersection; negative where there is none
  double hull, hull_by[2];    // of the smallest box around both
  double distance;            // from the target's centre to the prediction's
};

RN_HD Overlap OverlapOf(double low, double high, double target_low, double target_high) {
  const double low_above = ShareOf(low > target_low, low == target_low);
  const double high_below = ShareOf(high < target_high, high == target_high);
  Overlap o{};
  o.size = high - low;
  o.target_size = target_high - target_low;
  o.inter = (high < target_high ? high : target_high) - (low > target_low ? low : target_low);
  o.inter_by[0] = -low_above;
  o.inter_by[1] = high_below;
  o.hull = (high > target_high ? high : target_high) - (low < target_low ? low : target_low);
  o.hull_by[0] = low_above - 1;
  o.hull_by[1] = 1 - high_below;
  o.distance = 0.5 * ((low - target_low) + (high - target_high));
  return o;
}

// 1 - IoU, and the area of the union with its derivatives, from which the three losses go on. Coordinates in the order
// x1, y1, x2, y2: coordinate k is side k / 2 of axis k % 2.
struct IouTerm {
  Overlap axis[2];
  double loss, grad[4];
  double united, united_by[4];
};

RN_HD IouTerm IouTermOf(const float* prediction, const float* target) {
  IouTerm t{};
  for (int a = 0; a < 2; ++a) {
    t.axis[a] = OverlapOf(static_cast<double>(prediction[a]), static_cast<double>(prediction[a + 2]),
                          static_cast<double>(target[a]), static_cast<double>(target[a + 2]));
  }
  const Overlap &x = t.axis[0], &y = t.axis[1];
  const bool apart = !(x.inter > 0 && y.inter > 0);
  const double inter = apart ? 0 * (x.inter + y.inter) : x.inter * y.inter;  // NaN stays NaN
  // As differences of areas that are alike: equal boxes lose nothing but the epsilon.
  const double only_target = x.target_size * y.target_size - inter;
  t.united = x.size * y.size + only_target;
  const double divisor = t.united + kIouEpsilon;
  t.loss = (t.united - inter + kIouEpsilon) / divisor;
  for (int k = 0; k < 4; ++k) {
    const int a = k % 2, side = k / 2;
    const double sign = side == 0 ? -1 : 1;
    const double inter_by = apart ? 0 : t.axis[a].inter_by[side] * t.axis[1 - a].inter;
    t.united_by[k] = sign * t.axis[1 - a].size - inter_by;
    t.grad[k] = ((1 - t.loss) * t.united_by[k] - inter_by) / divisor;
  }
  return t;
}

struct GeneralizedIouLoss {
  static constexpr int kWidth = 4;
  double beta;  // unused

  RN_HD_MEMBER RegressionTerm<kWidth> operator()(const float* prediction, const float* target) const {
    const IouTerm t = IouTermOf(prediction, target);
    const Overlap &x = t.axis[0], &y = t.axis[1];
    const double divisor = x.hull * y.hull + kIouEpsilon;
    const double empty = (x.hull * y.hull - t.united) / divisor;
    RegressionTerm<kWidth> result{t.loss + empty, {}};
    for (int k = 0; k < 4; ++k) {
      const int a = k % 2, side = k / 2;
      const double hull_by = t.axis[a].hull_by[side] * t.axis[1 - a].hull;
      result.grad[k] = t.grad[k] + ((1 - empty) * hull_by - t.united_by[k]) / divisor;
    }
    return result;
  }
};

// The loss of the distance between centres, added to a term.
RN_HD RegressionTerm<4> WithDistance(const IouTerm& t) {
  const Overlap &x = t.axis[0], &y = t.axis[1];
  const double divisor = x.hull * x.hull + y.hull * y.hull + kIouEpsilon;
  const double penalty = (x.distance * x.distance + y.distance * y.distance) / divisor;
  RegressionTerm<4> result{t.loss + penalty, {}};
  for (int k = 0; k < 4; ++k) {
    const Overlap& o = t.axis[k % 2];
    result.grad[k] = t.grad[k] + (o.distance - penalty * 2 * o.hull * o.hull_by[k / 2]) / divisor;
  }
  return result;
}

struct DistanceIouLoss {
  static constexpr int kWidth = 4;
  double beta;  // unused

  RN_HD_MEMBER RegressionTerm<kWidth> operator()(const float* prediction, const float* target) const {
    return WithDistance(IouTermOf(prediction, target));
  }
};

// The angle of a box's diagonal; of no box at all, 0.
RN_HD double AspectOf(double width, double height) {
  if (height != 0) return std::atan(width / height);
  return width == 0 ? 0 : std::copysign(1.5707963267948966, width);
}

struct CompleteIouLoss {
  static constexpr int kWidth = 4;
  double beta;  // unused

  RN_HD_MEMBER RegressionTerm<kWidth> operator()(const float* prediction, const float* target) const {
    const IouTerm t = IouTermOf(prediction, target);
    const Overlap &x = t.axis[0], &y = t.axis[1];
    constexpr double kScale = 0.4052847345693511;  // 4 / pi^2
    const double turn = AspectOf(x.target_size, y.target_size) - AspectOf(x.size, y.size);
    const double v = kScale * turn * turn;
    const double alpha = v / (t.loss + v + kIouEpsilon);  // a constant to the gradient
    RegressionTerm<kWidth> result = WithDistance(t);
    result.loss += alpha * v;
    const double diagonal = x.size * x.size + y.size * y.size;
    const double by_turn = diagonal > 0 ? 2 * alpha * kScale * turn / diagonal : 0;
    result.grad[0] += by_turn * y.size;
    result.grad[2] -= by_turn * y.size;
    result.grad[1] -= by_turn * x.size;
    result.grad[3] += by_turn * x.size;
    return result;
  }
};

}  // namespace rn

#endif
