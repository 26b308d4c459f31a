// Greedy non-maximum suppression on boxes that are already sorted: shared by nms and decode_detections.
#ifndef RETINANET_OPS_CPU_NMS_H
#define RETINANET_OPS_CPU_NMS_H

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../math/box.h"

namespace rn::cpu {

// Rows of `boxes` that survive, in order; `boxes` are in descending order of score. `classes` may be null. The float32
// IoU is compared with the float64 threshold, as torchvision's CPU kernel does.
inline std::vector<int64_t> SortedNms(const std::vector<Box>& boxes, const int32_t* classes, double iou_threshold,
                                      int64_t max_output) {
  std::vector<int64_t> keep;
  std::vector<float> kept_areas;
  for (std::size_t i = 0; i < boxes.size() && static_cast<int64_t>(keep.size()) < max_output; ++i) {
    const float area = Area(boxes[i]);
    bool suppressed = false;
    for (std::size_t k = 0; k < keep.size() && !suppressed; ++k) {
      const std::size_t j = static_cast<std::size_t>(keep[k]);
      if (classes && classes[i] != classes[j]) continue;
      suppressed = static_cast<double>(Iou(boxes[j], kept_areas[k], boxes[i], area)) > iou_threshold;
    }
    if (suppressed) continue;
    keep.push_back(static_cast<int64_t>(i));
    kept_areas.push_back(area);
  }
  return keep;
}

}  // namespace rn::cpu

#endif
