// Non-maximum suppression: torchvision.ops.nms, and batched_nms without its coordinate offsets.
#include "nms.h"

#include <algorithm>

#include "../math/falling_key.h"
#include "cpu_backend.h"
#include "kept_boxes.h"
#include "status.h"

namespace rn::cpu {
namespace {

// Indices by falling score; of equal scores the smaller comes first. Keys are read once: a sort whose keys another
// thread changes may leave its bounds.
std::vector<int32_t> SortByFallingScore(const float* scores, size_t count) {
  std::vector<uint64_t> items(count);  // key, then index
  for (size_t i = 0; i < count; ++i) items[i] = uint64_t{FallingKey(scores[i])} << 32 | i;
  if (count < 512) {
    std::sort(items.begin(), items.end());
  } else {  // by digits of 11 bits, the lowest first; stable, so the indices stay in order
    constexpr int kBits = 11;
    constexpr uint64_t kMask = (1u << kBits) - 1;
    std::vector<uint64_t> sorted(count);
    for (int shift = 32; shift < 64; shift += kBits) {
      std::vector<size_t> places(kMask + 2);
      for (const uint64_t item : items) ++places[(item >> shift & kMask) + 1];
      for (size_t digit = 0; digit < kMask; ++digit) places[digit + 1] += places[digit];
      for (const uint64_t item : items) sorted[places[item >> shift & kMask]++] = item;
      items.swap(sorted);
    }
  }
  std::vector<int32_t> order(count);
  for (size_t i = 0; i < count; ++i) order[i] = static_cast<int32_t>(items[i] & 0xffffffffu);
  return order;
}

}  // namespace

std::vector<int32_t> SortedNms(const std::vector<Box>& boxes, const int32_t* classes, double iou_threshold,
                               int64_t max_output) {
  std::vector<int32_t> keep;
  KeptBoxes kept(boxes, classes, iou_threshold);
  for (size_t i = 0; i < boxes.size() && static_cast<int64_t>(keep.size()) < max_output; ++i) {
    const int32_t label = classes ? classes[i] : 0;
    if (HasArea(boxes[i])) {  // others overlap nothing: they are never suppressed and suppress nothing
      if (kept.Suppress(boxes[i], label)) continue;
      kept.Add(boxes[i], label);
    }
    keep.push_back(static_cast<int32_t>(i));
  }
  return keep;
}

rn_status Nms(const rn_nms* args) {
  return Guarded([&] {
    const rn_nms& op = *args;
    const size_t count = static_cast<size_t>(op.count);
    const std::vector<int32_t> order = SortByFallingScore(op.scores, count);
    std::vector<Box> boxes(count);
    std::vector<int32_t> classes(op.classes ? count : 0);
    for (size_t i = 0; i < count; ++i) {
      boxes[i] = LoadBox(op.boxes + 4 * static_cast<int64_t>(order[i]));
      if (op.classes) classes[i] = op.classes[order[i]];
    }
    const std::vector<int32_t> keep =
        SortedNms(boxes, op.classes ? classes.data() : nullptr, op.iou_threshold, op.max_output);
    for (size_t i = 0; i < keep.size(); ++i) op.keep[i] = order[static_cast<size_t>(keep[i])];
    *op.num_keep = static_cast<int64_t>(keep.size());
  });
}

}  // namespace rn::cpu
