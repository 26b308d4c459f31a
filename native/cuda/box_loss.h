// A regression over the positive anchors of an assignment, and the sum of a RetinaNet's two losses, on arrays in device
// memory.
#ifndef RETINANET_OPS_CUDA_BOX_LOSS_H
#define RETINANET_OPS_CUDA_BOX_LOSS_H

#include "../backend/backend.h"
#include "anchors.h"
#include "reduce.h"

namespace rn::cuda {

struct BoxLoss {
  Anchors anchors;
  const float* gt_boxes;
  const int32_t* matches;  // [rows]
  rn_coder_weights coder_weights;
  int64_t rows;
  double weight, normalizer, grad_scale;
  bool is_divided;
  const double* divisor;  // besides the normalizer; 0 counts as 1
  bool divides_by_image;  // one number for each image, else one for all
  const double* positives;
  double* sums;                            // scratch [BoxLossSums(rows)]
  unsigned* arrived;                       // scratch, zero beforehand
  Partials class_loss;                     // summed here
  double *box_loss, *loss, *num_positive;  // out: loss = class_loss + box_loss; `positives`
};

int64_t BoxLossSums(int64_t rows);

// Of the deltas of `op`, whose arrays lie on the device.
void QueueBoxLoss(const Device& device, const BoxLoss& of, const rn_retinanet_loss& op);

}  // namespace rn::cuda

#endif
