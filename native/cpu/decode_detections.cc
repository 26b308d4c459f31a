// From a network's outputs to detections: torchvision's RetinaNet.postprocess_detections. Per level the top_k scores
// above the threshold, then decoding, clipping, class-aware suppression over all levels, and the best max_detections.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "../math/box_coder.h"
#include "anchor_block.h"
#include "cpu_backend.h"
#include "nms.h"
#include "status.h"
#include "thread_pool.h"

namespace rn::cpu {
namespace {

struct Candidate {
  float score;
  int64_t index;  // anchor * classes + class
};

// Higher score first; of equal scores the smaller index.
bool Better(const Candidate& a, const Candidate& b) {
  return a.score > b.score || (a.score == b.score && a.index < b.index);
}

float Sigmoid(float logit) { return static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(logit)))); }

// The best top_k candidates of the anchors [first, last), sorted.
std::vector<Candidate> Select(const rn_decode& op, const float* logits, int64_t first, int64_t last) {
  // Nearly every logit lies below the threshold: compare logits, and only near or above it pay for the sigmoid.
  const double t = op.score_threshold;
  const double logit_threshold = t <= 0   ? -std::numeric_limits<double>::infinity()
                                 : t >= 1 ? std::numeric_limits<double>::infinity()
                                          : std::log(t / (1 - t));
  const double surely_below = logit_threshold - 1e-3;
  std::vector<Candidate> found;
  const size_t top_k = static_cast<size_t>(op.top_k);
  for (int64_t i = first * op.classes; i < last * op.classes; ++i) {
    if (!(static_cast<double>(logits[i]) >= surely_below)) continue;  // NaN is never a detection
    const float score = Sigmoid(logits[i]);
    if (!(score > static_cast<float>(t))) continue;
    found.push_back({score, i});
    // Bounded memory: never hold more than twice what can survive.
    if (found.size() / 2 >= std::max<size_t>(top_k, 1024)) {
      std::nth_element(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(top_k), found.end(), Better);
      found.resize(top_k);
    }
  }
  std::sort(found.begin(), found.end(), Better);
  if (found.size() > top_k) found.resize(top_k);
  return found;
}

Box AnchorNumber(const rn_anchors& anchors, int64_t index) {
  Box result{};
  ForEachAnchor(anchors, index, index + 1, [&](int64_t, const Box& box) { result = box; });
  return result;
}

struct Detections {
  std::vector<Box> boxes;
  std::vector<float> scores;
  std::vector<int32_t> labels;
};

Detections DecodeImage(const rn_decode& op, int64_t image) {
  const float* logits = op.class_logits + image * op.anchors.count * op.classes;
  const float* deltas = op.box_deltas + image * op.anchors.count * 4;
  std::vector<Candidate> candidates;
  int64_t first = 0;
  for (int64_t level = 0; level < op.num_levels; ++level) {
    const std::vector<Candidate> selected = Select(op, logits, first, first + op.level_counts[level]);
    candidates.insert(candidates.end(), selected.begin(), selected.end());
    first += op.level_counts[level];
  }
  std::sort(candidates.begin(), candidates.end(), Better);

  Detections all;
  for (const Candidate& c : candidates) {
    const int64_t anchor = c.index / op.classes;
    const float* d = deltas + 4 * anchor;
    const Box box = Decode(AnchorNumber(op.anchors, anchor), {d[0], d[1], d[2], d[3]});
    all.boxes.push_back(Clip(box, op.image_height, op.image_width));
    all.scores.push_back(c.score);
    all.labels.push_back(static_cast<int32_t>(c.index % op.classes));
  }
  Detections kept;
  for (const int64_t i : SortedNms(all.boxes, all.labels.data(), op.iou_threshold, op.max_detections)) {
    const size_t row = static_cast<size_t>(i);
    kept.boxes.push_back(all.boxes[row]);
    kept.scores.push_back(all.scores[row]);
    kept.labels.push_back(all.labels[row]);
  }
  return kept;
}

}  // namespace

rn_status DecodeDetections(const rn_decode* args) {
  return Guarded([&] {
    const rn_decode& op = *args;
    int32_t row = 0;
    op.offsets[0] = 0;
    for (int64_t image = 0; image < op.images; ++image) {
      const Detections found = DecodeImage(op, image);
      for (size_t i = 0; i < found.scores.size(); ++i, ++row) {
        StoreBox(found.boxes[i], op.boxes + 4 * static_cast<int64_t>(row));
        op.scores[row] = found.scores[i];
        op.labels[row] = found.labels[i];
      }
      op.offsets[image + 1] = row;
    }
  });
}

}  // namespace rn::cpu
