// Assignment to a list of anchors: every box meets every anchor of each block that it may overlap. Between the passes
// an anchor's best IoU and its owner lie in the outputs; beside them is held each box's highest IoU with each span of
// anchors. A span is at least as long as there are boxes in an image, so that makes at most about one number per
// anchor.
#include <algorithm>
#include <limits>

#include "../threads/thread_pool.h"
#include "assignment.h"
#include "low_quality.h"

namespace rn::cpu {
namespace {

constexpr int64_t kBlock = AnchorBlock::kSize;

class ListSearch {
 public:
  explicit ListSearch(Assignment& assignment)
      : assignment_(assignment), op_(assignment.op), kernels_(ActiveKernels()->list) {
    int32_t most = 1;
    for (int64_t image = 0; image < assignment.images; ++image) most = std::max(most, assignment.Truth(image).count);
    span_ = NumBlocks(most, kBlock) * kBlock;
    spans_ = NumBlocks(op_.anchors.count, span_);
    highest_.resize(static_cast<size_t>(spans_ * assignment.rows));
    contested_.resize(static_cast<size_t>(assignment.images * NumBlocks(op_.anchors.count, kBlock)));
  }

  void Run() {
    ParallelFor(assignment_.images * spans_, [&](int64_t job) {
      ForEachBlock(job, [&](int64_t image, int64_t span, int64_t first) { Compete(image, span, first); });
    });
    ParallelFor(assignment_.images * spans_, [&](int64_t job) {
      ForEachBlock(job, [&](int64_t image, int64_t span, int64_t first) { Decide(image, span, first); });
    });
  }

 private:
  template <class Visit>
  void ForEachBlock(int64_t job, const Visit& visit) const {
    const int64_t image = job / spans_, span = job % spans_;
    const int64_t end = std::min(op_.anchors.count, (span + 1) * span_);
    for (int64_t first = span * span_; first < end; first += kBlock) visit(image, span, first);
  }

  float& Highest(int64_t span, int32_t row) {
    return highest_[static_cast<size_t>(span) * static_cast<size_t>(assignment_.rows) + static_cast<size_t>(row)];
  }

  // Ties go to the box with the smaller row, as in torch.max.
  void Compete(int64_t image, int64_t span, int64_t first) {
    const Assignment::Rows truth = assignment_.Truth(image);
    if (truth.count == 0) return;
    AnchorBlock block;
    const AnchorList list = block.Load(op_.anchors, first);
    Contest<kBlock> contest;
    for (int32_t g = 0; g < truth.count; ++g) {
      if (!MayOverlap(block.bounds, truth.boxes[g])) continue;
      contest.Open(assignment_, 0, list.count);
      const int32_t row = truth.first + g;
      // What stays below the best IoU known from elsewhere is of no interest, what equals it is.
      float known = std::numeric_limits<float>::infinity();
      if (op_.options.allow_low_quality_matches) {
        known = assignment_.BoxBest(row);
        if (known > 0) known = std::nextafter(known, 0.0f);
      }
      const float highest =
          kernels_.compete(list, truth.boxes[g], FloatOf(static_cast<uint32_t>(g)), known, contest.best, contest.owner);
      if (!(highest > known)) continue;
      Highest(span, row) = std::max(Highest(span, row), highest);
      assignment_.RaiseBoxBest(row, highest);
    }
    if (!contest.open[0]) return;
    Contested(image, first) = 1;
    const int64_t offset = image * op_.anchors.count + first;
    std::memcpy(op_.labels + offset, contest.best, static_cast<size_t>(list.count) * sizeof(float));
    std::memcpy(op_.matches + offset, contest.owner, static_cast<size_t>(list.count) * sizeof(float));
  }

  void Decide(int64_t image, int64_t span, int64_t first) {
    const Assignment::Rows truth = assignment_.Truth(image), ignored = assignment_.Ignored(image);
    const int64_t size = std::min(kBlock, op_.anchors.count - first);
    const int64_t offset = image * op_.anchors.count + first;
    Contest<kBlock> contest;
    if (Contested(image, first)) {
      std::fill(std::begin(contest.open), std::end(contest.open), true);
      std::memcpy(contest.best, op_.labels + offset, static_cast<size_t>(size) * sizeof(float));
      std::memcpy(contest.owner, op_.matches + offset, static_cast<size_t>(size) * sizeof(float));
    }
    Verdict verdict(assignment_, image, first, size);
    verdict.ApplyThresholds(contest);
    AnchorBlock block;
    AnchorList list{};
    int32_t found[kBlock];
    const auto load = [&] {
      if (list.count == 0) list = block.Load(op_.anchors, first);
    };
    uint64_t marks[kBlock / 64] = {};
    for (int32_t g = 0; g < truth.count; ++g) {
      const float best = Highest(span, truth.first + g);
      if (!(best > 0) || best < assignment_.BoxBest(truth.first + g)) continue;
      load();
      if (!MayOverlap(block.bounds, truth.boxes[g])) continue;
      const int64_t n = kernels_.find_iou(list, truth.boxes[g], best, found);
      for (int64_t k = 0; k < n; ++k) marks[found[k] / 64] |= uint64_t{1} << (found[k] % 64);
    }
    MatchMarked(assignment_, truth, first, marks, contest, verdict);
    for (int32_t r = 0; r < ignored.count; ++r) {
      load();
      if (!MayOverlap(block.bounds, ignored.boxes[r])) continue;
      const int64_t n = kernels_.find_covered(list, ignored.boxes[r], op_.options.ignore_iof, found);
      for (int64_t k = 0; k < n; ++k) verdict.Ignore(found[k]);
    }
  }

  uint8_t& Contested(int64_t image, int64_t first) {
    return contested_[static_cast<size_t>(image * NumBlocks(op_.anchors.count, kBlock) + first / kBlock)];
  }

  Assignment& assignment_;
  const rn_assign& op_;
  const AssignKernels<AnchorList>& kernels_;
  int64_t span_, spans_;
  std::vector<float> highest_;      // [spans, rows]
  std::vector<uint8_t> contested_;  // [images, blocks]: 1 where a box may overlap one of the anchors
};

}  // namespace

void AssignOnList(Assignment& assignment) { ListSearch(assignment).Run(); }

}  // namespace rn::cpu
