// The CPU's operations and the table that lists them.
#ifndef RETINANET_OPS_CPU_BACKEND_H
#define RETINANET_OPS_CPU_BACKEND_H

#include "../backend/backend.h"

namespace rn {

const rn_backend* CpuBackend();

namespace cpu {

rn_status FocalLoss(const rn_focal_loss*);
rn_status SmoothL1(const rn_smooth_l1*);
rn_status GridBoxes(const rn_grid_boxes*);
rn_status Assign(const rn_assign*);
rn_status PositiveTargets(const rn_positive_targets*);
rn_status EncodeBoxes(const rn_box_coding*);
rn_status DecodeBoxes(const rn_box_coding*);
rn_status ClipBoxes(const rn_clip*);
rn_status BoxIou(const rn_iou*);
rn_status Nms(const rn_nms*);
rn_status DecodeDetections(const rn_decode*);
rn_status RetinanetLoss(const rn_retinanet_loss*);
rn_status SelectHardNegatives(const rn_hard_negatives*);

}  // namespace cpu
}  // namespace rn

#endif
