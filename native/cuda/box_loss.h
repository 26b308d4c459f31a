// Smooth L1 over the positive anchors of an assignment, and the sum of a RetinaNet's two losses, on arrays in device
// memory.
#ifndef RETINANET_OPS_CUDA_BOX_LOSS_H
#define RETINANET_OPS_CUDA_BOX_LOSS_H

#include "anchors.h"

namespace rn::cuda {

struct BoxLoss {
  Anchors anchors;
  const float* gt_boxes;
  const int32_t* matches;  // [rows]
  int64_t rows;
  double beta, weight, normalizer, grad_scale;
  bool normalize_by_positives;
  const double* num_positive;  // or what else divides; 0 counts as 1
  double* sums;                // scratch [BoxLossSums(rows)]
  const double* class_loss;
  double *box_loss, *loss;  // out: loss = class_loss + box_loss
};

int64_t BoxLossSums(int64_t rows);

// `grad` may be `deltas`, [rows, 4] both.
void QueueBoxLoss(const Device& device, const BoxLoss& of, rn_dtype dtype, const void* deltas, void* grad);

}  // namespace rn::cuda

#endif
