// From a network's outputs to detections: torchvision's RetinaNet.postprocess_detections. Per level the top_k scores
// above the threshold, then decoding, clipping, suppression over all levels, and the best max_detections. A row whose
// box is not finite is no candidate: it takes nobody's place among the top_k.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <new>
#include <vector>

#include "../math/box_coder.h"
#include "../math/score.h"
#include "../threads/thread_pool.h"
#include "anchor_block.h"
#include "cpu_backend.h"
#include "kernels/kernels.h"
#include "nms.h"
#include "status.h"

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

// The best top_k candidates of what it is shown, in ascending order of indices. Bounded memory: never more than twice
// what can survive.
class Best {
 public:
  Best(size_t top_k, double threshold)
      : top_k_(top_k), score_(static_cast<float>(threshold)), logit_(LogitSurelyBelow(threshold)) {}

  float LeastLogit() const { return logit_; }

  // `is_box()` tells whether there is a finite box; it is asked last.
  template <class Ask>
  void Add(float logit, int64_t index, const Ask& is_box) {
    const float score = Score(logit);
    if (!(score > score_) || !is_box()) return;
    found_.push_back({score, index});
    if (found_.size() / 2 < std::max<size_t>(top_k_, 1024)) return;
    KeepBest();
    float least = 1;
    // What comes later has a larger index: to get in, its score must be greater than the least of these.
    for (const Candidate& c : found_) least = std::min(least, c.score);
    score_ = std::max(score_, least);
    logit_ = LogitSurelyBelow(static_cast<double>(score_));
  }

  const std::vector<Candidate>& Take() {
    if (found_.size() > top_k_) KeepBest();
    return found_;
  }

 private:
  void KeepBest() {
    std::nth_element(found_.begin(), found_.begin() + static_cast<std::ptrdiff_t>(top_k_), found_.end(), Better);
    found_.resize(top_k_);
  }

  size_t top_k_;
  float score_, logit_;
  std::vector<Candidate> found_;
};

// Anchors [first, last) of one level: what one thread looks through at a time.
struct Span {
  int64_t level, first, last;
};

constexpr int64_t kSpanLogits = int64_t{1} << 18;

std::vector<Span> CutIntoSpans(const rn_decode& op) {
  const int64_t anchors = std::max<int64_t>(1, kSpanLogits / std::max<int64_t>(1, op.classes));
  std::vector<Span> spans;
  int64_t first = 0;
  for (int64_t level = 0; level < op.num_levels; ++level) {
    const int64_t end = first + op.level_counts[level];
    for (; first < end; first += anchors) spans.push_back({level, first, std::min(end, first + anchors)});
    first = end;
  }
  return spans;
}

Deltas DeltasOf(const rn_decode& op, int64_t image, int64_t anchor) {
  return LoadDeltas(static_cast<const float*>(op.box_deltas) + 4 * (image * op.anchors.count + anchor));
}

void Scan(const rn_decode& op, int64_t image, const Span& span, Best* best) {
  constexpr int64_t kChunk = 1024;
  int32_t found[kChunk];
  const float* logits = static_cast<const float*>(op.class_logits) + image * op.anchors.count * op.classes;
  const FindKernel find_at_least = ActiveKernels()->find_at_least;
  int64_t last_anchor = -1;  // the candidates of an anchor follow each other
  bool last_is_box = false;
  const auto is_box = [&](int64_t anchor) {
    if (anchor != last_anchor) {
      last_anchor = anchor;
      last_is_box = IsBox(AnchorOf(op.anchors, anchor), DeltasOf(op, image, anchor), op.coder_weights);
    }
    return last_is_box;
  };
  const int64_t end = span.last * op.classes;
  for (int64_t i = span.first * op.classes; i < end; i += kChunk) {
    const int64_t count = find_at_least(logits + i, std::min(kChunk, end - i), best->LeastLogit(), found);
    for (int64_t k = 0; k < count; ++k) {
      const int64_t index = i + found[k];
      best->Add(logits[index], index, [&] { return is_box(index / op.classes); });
    }
  }
}

// ParallelFor for a body that may run out of memory; few logits are not worth a thread.
template <class Body>
void ParallelForAllocating(const rn_decode& op, int64_t blocks, const Body& body) {
  std::atomic<bool> failed{false};
  const auto run = [&](int64_t block) {
    if (Guarded([&] { body(block); }).code != RN_OK) failed = true;
  };
  if (op.images * op.anchors.count * op.classes < kSpanLogits / 4) {
    for (int64_t block = 0; block < blocks; ++block) run(block);
  } else {
    ParallelFor(blocks, run);
  }
  if (failed) throw std::bad_alloc();
}

// The top_k candidates of every level of one image, best first.
std::vector<Candidate> Select(const rn_decode& op, const std::vector<Span>& spans, int64_t image) {
  const size_t top_k = static_cast<size_t>(op.top_k);
  std::vector<Best> best(spans.size(), Best(top_k, op.score_threshold));
  ParallelForAllocating(op, static_cast<int64_t>(spans.size()), [&](int64_t i) {
    Scan(op, image, spans[static_cast<size_t>(i)], &best[static_cast<size_t>(i)]);
  });
  std::vector<Candidate> all;
  for (size_t i = 0; i < spans.size();) {
    const int64_t level = spans[i].level;
    const std::ptrdiff_t start = static_cast<std::ptrdiff_t>(all.size());
    for (; i < spans.size() && spans[i].level == level; ++i) {
      const std::vector<Candidate>& part = best[i].Take();
      all.insert(all.end(), part.begin(), part.end());
    }
    if (all.size() - static_cast<size_t>(start) > top_k) {
      std::nth_element(all.begin() + start, all.begin() + start + op.top_k, all.end(), Better);
      all.resize(static_cast<size_t>(start) + top_k);
    }
  }
  std::sort(all.begin(), all.end(), Better);
  return all;
}

struct Detections {
  std::vector<Box> boxes;
  std::vector<float> scores;
  std::vector<int32_t> labels;
};

Detections DecodeImage(const rn_decode& op, const std::vector<Candidate>& candidates, int64_t image) {
  Detections all;
  for (const Candidate& c : candidates) {
    const int64_t anchor = c.index / op.classes;
    const Box box = Decode(AnchorOf(op.anchors, anchor), DeltasOf(op, image, anchor), op.coder_weights);
    all.boxes.push_back(Clip(box, op.image_height, op.image_width));
    all.scores.push_back(c.score);
    all.labels.push_back(static_cast<int32_t>(c.index % op.classes));
  }
  const int32_t* classes = op.class_agnostic ? nullptr : all.labels.data();
  Detections kept;
  for (const int32_t i : SortedNms(all.boxes, classes, op.iou_threshold, op.max_detections)) {
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
    const std::vector<Span> spans = CutIntoSpans(op);
    std::vector<Detections> found(static_cast<size_t>(op.images));
    // The logits image by image, each by all threads; then suppression, images side by side. In between an image takes
    // 16 bytes for each of the top_k candidates of its levels.
    std::vector<std::vector<Candidate>> candidates(static_cast<size_t>(op.images));
    for (int64_t image = 0; image < op.images; ++image) {
      candidates[static_cast<size_t>(image)] = Select(op, spans, image);
    }
    ParallelForAllocating(op, op.images, [&](int64_t image) {
      const size_t i = static_cast<size_t>(image);
      found[i] = DecodeImage(op, candidates[i], image);
    });
    int32_t row = 0;
    op.offsets[0] = 0;
    for (int64_t image = 0; image < op.images; ++image) {
      const Detections& of_image = found[static_cast<size_t>(image)];
      for (size_t i = 0; i < of_image.scores.size(); ++i, ++row) {
        StoreBox(of_image.boxes[i], op.boxes + 4 * static_cast<int64_t>(row));
        op.scores[row] = of_image.scores[i];
        op.labels[row] = of_image.labels[i];
      }
      op.offsets[image + 1] = row;
    }
  });
}

}  // namespace rn::cpu
