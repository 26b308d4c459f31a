// Operations that are parts of another one, for every backend.
#ifndef RETINANET_OPS_PARTS_H
#define RETINANET_OPS_PARTS_H

#include "backend.h"

namespace rn {

// The focal loss of a retinanetLoss, on the labels of its assignment. What else than positives divides, and the scale
// of the gradients, are left to the backend.
inline rn_focal_loss FocalLossOf(const rn_retinanet_loss& op, const int32_t* labels) {
  rn_focal_loss focal{};
  focal.place = op.place;
  focal.dtype = op.dtype;
  focal.logits = op.class_logits;
  focal.labels = labels;
  focal.rows = op.truth.images * op.anchors.count;
  focal.classes = op.classes;
  focal.alpha = op.alpha;
  focal.gamma = op.gamma;
  focal.label_smoothing = op.label_smoothing;
  focal.normalizer = op.normalizer;
  focal.normalize_by_positives = op.normalize_by_positives;
  focal.grad = op.class_grad;
  focal.loss_sum = op.class_loss;
  focal.num_positive = op.num_positive;
  return focal;
}

}  // namespace rn

#endif
