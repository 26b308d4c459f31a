// Non-maximum suppression: torchvision.ops.nms, and batched_nms without its coordinate offsets.
#include "nms.h"

#include <algorithm>
#include <numeric>

#include "cpu_backend.h"
#include "status.h"

namespace rn::cpu {

rn_status Nms(const rn_nms* args) {
  return Guarded([&] {
    const rn_nms& op = *args;
    const size_t count = static_cast<size_t>(op.count);
    std::vector<int32_t> order(count);
    std::iota(order.begin(), order.end(), 0);
    // Stable: of equal scores the smaller row comes first.
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return op.scores[a] > op.scores[b]; });
    std::vector<Box> boxes(count);
    std::vector<int32_t> classes(op.classes ? count : 0);
    for (size_t i = 0; i < count; ++i) {
      boxes[i] = LoadBox(op.boxes + 4 * static_cast<int64_t>(order[i]));
      if (op.classes) classes[i] = op.classes[order[i]];
    }
    const std::vector<int64_t> keep =
        SortedNms(boxes, op.classes ? classes.data() : nullptr, op.iou_threshold, op.max_output);
    for (size_t i = 0; i < keep.size(); ++i) op.keep[i] = order[static_cast<size_t>(keep[i])];
    *op.num_keep = static_cast<int64_t>(keep.size());
  });
}

}  // namespace rn::cpu
