// Greedy non-maximum suppression on boxes that are already sorted: shared by nms and decode_detections. Several sets of
// boxes, one per image, are done side by side.
#ifndef RETINANET_OPS_CUDA_SUPPRESSION_H
#define RETINANET_OPS_CUDA_SUPPRESSION_H

#include "../math/box.h"
#include "context.h"

namespace rn::cuda {

struct SortedBoxes {
  int32_t sets, capacity;  // set s has the rows from s * capacity on
  const int32_t* counts;   // [sets]: how many of them there are
  const Box* boxes;        // in descending order of score
  const int32_t* classes;  // optional: boxes suppress only their own class
};

struct Kept {
  int32_t most;     // of a set
  int32_t* rows;    // out [sets, most]: those that survive, counted within the set, in order
  int32_t* counts;  // out [sets]
};

void QueueSuppression(Device& device, const SortedBoxes& sorted, double iou_threshold, const Kept& kept);

}  // namespace rn::cuda

#endif
