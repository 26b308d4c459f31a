// Greedy non-maximum suppression on boxes that are already sorted: shared by nms and decode_detections.
#ifndef RETINANET_OPS_CPU_NMS_H
#define RETINANET_OPS_CPU_NMS_H

#include <cstdint>
#include <vector>

#include "../math/box.h"

namespace rn::cpu {

// Rows of `boxes` that survive, in order; `boxes` are in descending order of score. `classes` may be null. The float32
// IoU is compared with the float64 threshold, as torchvision's CPU kernel does.
std::vector<int32_t> SortedNms(const std::vector<Box>& boxes, const int32_t* classes, double iou_threshold,
                               int64_t max_output);

}  // namespace rn::cpu

#endif
