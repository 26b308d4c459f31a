// Anchor assignment: torchvision.models.detection._utils.Matcher over a batch, without ever holding an anchors x boxes
// matrix. Pass 1 finds each anchor's best box and each box's best IoU; pass 2 applies the thresholds and gives every
// box its best anchors back ("low quality matches"). Scratch memory: 4 bytes an anchor and a box.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "../math/box_coder.h"
#include "anchor_block.h"
#include "cpu_backend.h"
#include "status.h"
#include "thread_pool.h"

namespace rn::cpu {
namespace {

struct ImageTruth {
  const float* boxes;
  const int32_t* labels;
  int32_t first_row;
  int32_t count;
  const float* ignore_boxes;
  int32_t ignore_count;

  ImageTruth(const rn_ground_truth& truth, int64_t image) {
    first_row = truth.offsets[image];
    count = truth.offsets[image + 1] - first_row;
    boxes = truth.boxes + 4 * static_cast<int64_t>(first_row);
    labels = truth.labels + first_row;
    const int32_t ignore_first = truth.ignore_offsets ? truth.ignore_offsets[image] : 0;
    ignore_count = truth.ignore_offsets ? truth.ignore_offsets[image + 1] - ignore_first : 0;
    ignore_boxes = ignore_count > 0 ? truth.ignore_boxes + 4 * static_cast<int64_t>(ignore_first) : nullptr;
  }
};

// IoU is never negative, and non-negative floats order as their bits do. The maximum does not depend on the order of
// arrival, so neither do the results.
void RaiseTo(std::atomic<uint32_t>& best, float iou) {
  uint32_t bits;
  std::memcpy(&bits, &iou, sizeof bits);
  uint32_t seen = best.load(std::memory_order_relaxed);
  while (bits > seen && !best.compare_exchange_weak(seen, bits, std::memory_order_relaxed)) {
  }
}

float Value(const std::atomic<uint32_t>& best) {
  const uint32_t bits = best.load(std::memory_order_relaxed);
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// Pass 1 for one block of one image. Ties go to the box with the smaller row, as in torch.max.
void FindBest(const AnchorBlock& block, const ImageTruth& truth, float* best_iou, int32_t* best_box,
              std::atomic<uint32_t>* box_best) {
  std::fill_n(best_iou, block.size, 0.0f);
  std::fill_n(best_box, block.size, 0);
  for (int32_t g = 0; g < truth.count; ++g) {
    const Box box = LoadBox(truth.boxes + 4 * static_cast<int64_t>(g));
    if (!block.MayOverlap(box)) continue;
    const float area = Area(box);
    float highest = 0;
    for (int64_t i = 0; i < block.size; ++i) {
      const float iou = Iou(box, area, block.boxes[i], block.areas[i]);
      highest = Max(iou, highest);
      if (iou > best_iou[i]) {
        best_iou[i] = iou;
        best_box[i] = g;
      }
    }
    RaiseTo(box_best[g], highest);
  }
}

// Marks the anchors that reach some box's best IoU. A box that no anchor overlaps (best 0) marks none.
void FindLowQuality(const AnchorBlock& block, const ImageTruth& truth, const std::atomic<uint32_t>* box_best,
                    bool* keep) {
  std::fill_n(keep, block.size, false);
  for (int32_t g = 0; g < truth.count; ++g) {
    const float best = Value(box_best[g]);
    const Box box = LoadBox(truth.boxes + 4 * static_cast<int64_t>(g));
    if (!(best > 0) || !block.MayOverlap(box)) continue;
    const float area = Area(box);
    for (int64_t i = 0; i < block.size; ++i) keep[i] |= Iou(box, area, block.boxes[i], block.areas[i]) == best;
  }
}

bool InIgnoreRegion(const ImageTruth& truth, const Box& anchor, float anchor_area, float ignore_iof) {
  for (int32_t g = 0; g < truth.ignore_count; ++g) {
    const Box region = LoadBox(truth.ignore_boxes + 4 * static_cast<int64_t>(g));
    if (Intersection(region, anchor) / anchor_area >= ignore_iof) return true;
  }
  return false;
}

}  // namespace

rn_status Assign(const rn_assign* args) {
  return Guarded([&] {
    const rn_assign& op = *args;
    const int64_t anchors = op.anchors.count;
    const int64_t images = op.truth.images;
    const int64_t blocks = NumBlocks(anchors, AnchorBlock::kSize);
    const size_t rows = static_cast<size_t>(op.truth.offsets[images]);
    std::vector<std::atomic<uint32_t>> box_best(rows);
    std::vector<std::atomic<uint8_t>> box_matched(rows);
    std::vector<std::atomic<int64_t>> positives(static_cast<size_t>(images));
    std::vector<float> best_iou(static_cast<size_t>(anchors * images));

    // Pass 1 leaves each anchor's best box (a row within its image) in `matches`.
    ParallelFor(images * blocks, [&](int64_t job) {
      const int64_t image = job / blocks;
      const AnchorBlock block(op.anchors, job % blocks);
      const int64_t first = image * anchors + block.first;
      const ImageTruth truth(op.truth, image);
      FindBest(block, truth, best_iou.data() + first, op.matches + first, box_best.data() + truth.first_row);
    });

    ParallelFor(images * blocks, [&](int64_t job) {
      const int64_t image = job / blocks;
      const AnchorBlock block(op.anchors, job % blocks);
      const int64_t first = image * anchors + block.first;
      const ImageTruth truth(op.truth, image);
      bool low_quality[AnchorBlock::kSize];
      if (op.options.allow_low_quality_matches) {
        FindLowQuality(block, truth, box_best.data() + truth.first_row, low_quality);
      } else {
        std::fill_n(low_quality, block.size, false);
      }
      int64_t count = 0;
      for (int64_t i = 0; i < block.size; ++i) {
        const float iou = best_iou[static_cast<size_t>(first + i)];
        int32_t& match = op.matches[first + i];
        int32_t& label = op.labels[first + i];
        if ((iou >= op.options.positive_threshold && truth.count > 0) || low_quality[i]) {
          label = truth.labels[match];
          match += truth.first_row;
          box_matched[static_cast<size_t>(match)].store(1, std::memory_order_relaxed);
          ++count;
        } else {
          const bool between = truth.count > 0 && iou >= op.options.negative_threshold;
          const bool ignored = between || InIgnoreRegion(truth, block.boxes[i], block.areas[i], op.options.ignore_iof);
          label = match = ignored ? RN_LABEL_IGNORED : RN_LABEL_BACKGROUND;
        }
      }
      positives[static_cast<size_t>(image)].fetch_add(count, std::memory_order_relaxed);
    });

    for (size_t image = 0; image < positives.size(); ++image) op.positive_counts[image] = positives[image].load();
    for (size_t row = 0; row < rows; ++row) op.gt_matched[row] = box_matched[row].load();
  });
}

rn_status PositiveTargets(const rn_positive_targets* args) {
  return Guarded([&] {
    const rn_positive_targets& op = *args;
    int64_t p = 0;
    for (int64_t image = 0; image < op.images; ++image) {
      const int32_t* matches = op.matches + image * op.anchors.count;
      ForEachAnchor(op.anchors, 0, op.anchors.count, [&](int64_t a, const Box& anchor) {
        if (matches[a] < 0) return;
        const Deltas d = Encode(anchor, LoadBox(op.gt_boxes + 4 * static_cast<int64_t>(matches[a])));
        op.positives[p] = static_cast<int32_t>(image * op.anchors.count + a);
        StoreBox({d.dx, d.dy, d.dw, d.dh}, op.box_targets + 4 * p);
        ++p;
      });
    }
  });
}

}  // namespace rn::cpu
