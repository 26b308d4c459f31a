// What the two searches for matches share: the ground truth, the thresholds and the outcome.
#ifndef RETINANET_OPS_CPU_ASSIGNMENT_H
#define RETINANET_OPS_CPU_ASSIGNMENT_H

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <vector>

#include "../math/float_bits.h"
#include "../math/matching.h"
#include "../threads/thread_pool.h"
#include "anchor_block.h"

namespace rn::cpu {

// Ground truth is copied: what is decided in one place from a box must hold in another, whoever writes to the original.
class Assignment {
 public:
  struct Rows {
    int32_t first, count;
    const BoxWithArea* boxes;
  };

  explicit Assignment(const rn_assign& args)
      : op(args),
        images(args.truth.images),
        rows(args.truth.offsets[images]),
        ignore_rows(args.truth.ignore_offsets ? args.truth.ignore_offsets[images] : 0),
        threshold(LeastThreshold(args.options.positive_threshold, args.options.negative_threshold)),
        boxes_(Copy(args.truth.boxes, rows)),
        ignore_boxes_(Copy(args.truth.ignore_boxes, ignore_rows)),
        box_best_(static_cast<size_t>(rows)),
        box_matched_(static_cast<size_t>(rows)),
        positives_(static_cast<size_t>(images)),
        tiles_(static_cast<size_t>(args.tiles ? images * Tiles() : 0)) {}

  const rn_assign& op;
  const int64_t images;
  const int32_t rows, ignore_rows;
  const float threshold;

  Rows Truth(int64_t image) const { return Slice(op.truth.offsets, boxes_, image); }
  Rows Ignored(int64_t image) const {
    return op.truth.ignore_offsets ? Slice(op.truth.ignore_offsets, ignore_boxes_, image) : Rows{0, 0, nullptr};
  }
  Rows AllIgnored() const { return {0, ignore_rows, ignore_boxes_.data()}; }
  int64_t ImageOf(int32_t row) const {
    return std::upper_bound(op.truth.offsets, op.truth.offsets + images + 1, row) - op.truth.offsets - 1;
  }

  // Each box's best IoU, as bits: non-negative floats order as those do. The maximum does not depend on the order of
  // arrival, so neither do the results.
  float BoxBest(int32_t row) const { return FloatOf(box_best_[Index(row)].load(std::memory_order_relaxed)); }
  void RaiseBoxBest(int32_t row, float iou) {
    std::atomic<uint32_t>& best = box_best_[Index(row)];
    const uint32_t bits = BitsOf(iou);
    uint32_t seen = best.load(std::memory_order_relaxed);
    while (bits > seen && !best.compare_exchange_weak(seen, bits, std::memory_order_relaxed)) {
    }
  }

  void MarkMatched(int32_t row) { box_matched_[Index(row)].store(1, std::memory_order_relaxed); }
  void MarkTile(int64_t image, int64_t anchor) {
    if (op.tiles) tiles_[static_cast<size_t>(image * Tiles() + anchor / RN_TILE)].store(1, std::memory_order_relaxed);
  }
  void CountPositives(int64_t image, int64_t count) {
    positives_[static_cast<size_t>(image)].fetch_add(count, std::memory_order_relaxed);
  }
  void Finish() const {
    for (size_t image = 0; image < positives_.size(); ++image) op.positive_counts[image] = positives_[image].load();
    for (size_t row = 0; row < box_matched_.size(); ++row) op.gt_matched[row] = box_matched_[row].load();
    for (size_t tile = 0; tile < tiles_.size(); ++tile) op.tiles[tile] = tiles_[tile].load();
  }

 private:
  int64_t Tiles() const { return NumBlocks(op.anchors.count, RN_TILE); }
  static size_t Index(int32_t row) { return static_cast<size_t>(row); }
  static std::vector<BoxWithArea> Copy(const float* boxes, int32_t count) {
    std::vector<BoxWithArea> copies(Index(count));
    for (int64_t i = 0; i < count; ++i) copies[static_cast<size_t>(i)] = WithArea(LoadBox(boxes + 4 * i));
    return copies;
  }
  static Rows Slice(const int32_t* offsets, const std::vector<BoxWithArea>& boxes, int64_t image) {
    return {offsets[image], offsets[image + 1] - offsets[image], boxes.data() + offsets[image]};
  }

  const std::vector<BoxWithArea> boxes_, ignore_boxes_;
  std::vector<std::atomic<uint32_t>> box_best_;
  std::vector<std::atomic<uint8_t>> box_matched_;
  std::vector<std::atomic<int64_t>> positives_;
  std::vector<std::atomic<uint8_t>> tiles_;
};

// The competition for the anchors of one block: each one's best IoU so far, and its owner, a row within the image. Only
// who reaches the threshold takes part.
template <int64_t kSize>
struct Contest {
  static constexpr int64_t kPart = 256;  // opened together: most boxes reach few anchors of a block
  static_assert(kSize % kPart == 0 && kRunPadding <= kPart, "whole parts, and one for what is written past the end");

  float best[kSize + kPart], owner[kSize + kPart];  // an owner has a value where its best has been reached
  bool open[kSize / kPart + 1] = {};                // until then there is nothing in a part

  // For a run of anchors, and what the kernels write past its end.
  void Open(const Assignment& assignment, int64_t first, int64_t count) {
    for (int64_t part = first / kPart; part <= (first + count + kRunPadding - 1) / kPart; ++part) {
      if (open[part]) continue;
      open[part] = true;
      std::fill_n(best + part * kPart, kPart, std::nextafter(assignment.threshold, 0.0f));
    }
  }
  bool Reached(int64_t i, float threshold) const { return open[i / kPart] && best[i] >= threshold; }
  // The kernels move a row about as the bits of a float.
  void SetOwner(int64_t i, int64_t row) { owner[i] = FloatOf(static_cast<uint32_t>(row)); }
  int32_t Owner(int64_t i) const { return static_cast<int32_t>(BitsOf(owner[i])); }
};

// Writes labels and matches of the anchors [first, first + size) of one image: background or ignored first, then what
// is not.
class Verdict {
 public:
  Verdict(Assignment& assignment, int64_t image, int64_t first, int64_t size)
      : assignment_(assignment), image_(image), first_(first), truth_(assignment.Truth(image)), size_(size) {
    const int64_t offset = image * assignment.op.anchors.count + first;
    labels_ = assignment.op.labels + offset;
    matches_ = assignment.op.matches + offset;
    const bool no_background = truth_.count > 0 && !(assignment.op.options.negative_threshold > 0);
    const int32_t sentinel = no_background ? RN_LABEL_IGNORED : RN_LABEL_BACKGROUND;
    for (int32_t* const out : {labels_, matches_}) {
      // Twice as fast: the C library knows how the processor is best told to fill memory.
      if (sentinel == -1) {
        std::memset(out, 0xff, static_cast<size_t>(size) * sizeof *out);
      } else {
        std::fill_n(out, size, sentinel);
      }
    }
  }
  ~Verdict() {
    if (count_ > 0) assignment_.CountPositives(image_, count_);
  }
  Verdict(const Verdict&) = delete;
  Verdict& operator=(const Verdict&) = delete;

  template <int64_t kSize>
  void ApplyThresholds(const Contest<kSize>& contest) {
    constexpr int64_t kPart = Contest<kSize>::kPart;
    int32_t found[kPart];
    for (int64_t first = 0; first < size_; first += kPart) {
      if (!contest.open[first / kPart]) continue;
      const int64_t count = std::min(kPart, size_ - first);
      const int64_t n = ActiveKernels()->find_at_least(contest.best + first, count, assignment_.threshold, found);
      for (int64_t k = 0; k < n; ++k) {
        const int64_t i = first + found[k];
        if (contest.best[i] >= assignment_.op.options.positive_threshold) {
          Match(i, contest.Owner(i));
        } else {
          labels_[i] = matches_[i] = RN_LABEL_IGNORED;
        }
      }
    }
  }

  void Match(int64_t i, int32_t owner) {
    if (matches_[i] >= 0) return;  // to the same owner
    const int32_t row = truth_.first + owner;
    labels_[i] = assignment_.op.truth.labels[row];
    matches_[i] = row;
    assignment_.MarkMatched(row);
    assignment_.MarkTile(image_, first_ + i);
    ++count_;
  }

  void Ignore(int64_t i) {
    if (matches_[i] == RN_LABEL_BACKGROUND) labels_[i] = matches_[i] = RN_LABEL_IGNORED;
  }

 private:
  Assignment& assignment_;
  const int64_t image_, first_;
  const Assignment::Rows truth_;
  const int64_t size_;
  int32_t* labels_;
  int32_t* matches_;
  int64_t count_ = 0;
};

void AssignOnGrid(Assignment& assignment);
void AssignOnList(Assignment& assignment);

}  // namespace rn::cpu

#endif
