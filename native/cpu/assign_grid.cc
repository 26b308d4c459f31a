// Assignment on a grid: a box meets only cells where it can still matter (math/anchor_reach.h). First every box's best
// IoU, and a mark on the anchors that have it; then block by block the competition of the boxes that can reach the
// thresholds there. Scratch memory: one bit per anchor, one cell range for each box and level.
#include <algorithm>
#include <limits>

#include "../threads/thread_pool.h"
#include "assignment.h"
#include "grid_level.h"
#include "low_quality.h"

namespace rn::cpu {
namespace {

constexpr int64_t kBlock = GridLevel::kLongestRun;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// What each row of the ground truth can reach on each level.
class ReachTable {
 public:
  ReachTable(const std::vector<GridLevel>& levels, int32_t rows)
      : levels_(levels), rows_(static_cast<size_t>(rows)), ranges_(levels.size() * rows_) {}

  void Set(int32_t row, const BoxWithArea& box, const OverlapDemand& demand) {
    for (size_t l = 0; l < levels_.size(); ++l) {
      ranges_[l * rows_ + static_cast<size_t>(row)] = levels_[l].InReach(box, demand);
    }
  }

  // For the anchors [from, to): visit(row within the image, first anchor, run) wherever a box reaches, by rising row.
  template <class Visit>
  void ForEachRun(const Assignment::Rows& rows, int64_t from, int64_t to, const Visit& visit) const {
    for (size_t l = 0; l < levels_.size(); ++l) {
      const GridLevel& level = levels_[l];
      const int64_t begin = std::max(from, level.first), end = std::min(to, level.end);
      if (begin >= end) continue;
      const int32_t first_row = static_cast<int32_t>((begin - level.first) / level.row_size);
      const int32_t end_row = static_cast<int32_t>((end - 1 - level.first) / level.row_size) + 1;
      const CellRange* ranges = ranges_.data() + l * rows_ + rows.first;
      for (int32_t g = 0; g < rows.count; ++g) {
        CellRange range = ranges[g];
        if (range.first_row >= end_row || range.end_row <= first_row) continue;
        range.first_row = std::max(range.first_row, first_row);
        range.end_row = std::min(range.end_row, end_row);
        level.ForEachRun(range, begin, end, [&](int64_t a, const GridRun& run) { visit(g, a, run); });
      }
    }
  }

 private:
  const std::vector<GridLevel>& levels_;
  size_t rows_;
  std::vector<CellRange> ranges_;  // [levels, rows]
};

std::vector<GridLevel> MakeLevels(const rn_anchors& anchors) {
  std::vector<GridLevel> levels;
  levels.reserve(static_cast<size_t>(anchors.num_levels));
  for (int64_t l = 0; l < anchors.num_levels; ++l) {
    const rn_grid_level& level = anchors.levels[l];
    if (level.height * level.width * anchors.anchors_per_cell > 0) levels.emplace_back(level, anchors.anchors_per_cell);
  }
  return levels;
}

class GridSearch {
 public:
  explicit GridSearch(Assignment& assignment)
      : assignment_(assignment),
        op_(assignment.op),
        kernels_(ActiveKernels()->grid),
        levels_(MakeLevels(op_.anchors)),
        reach_(levels_, assignment.rows),
        ignore_reach_(levels_, assignment.ignore_rows),
        words_(NumBlocks(op_.anchors.count, 64)),
        marks_(static_cast<size_t>(op_.options.allow_low_quality_matches ? words_ * assignment.images : 0)) {}

  void Run() {
    const Assignment::Rows regions = assignment_.AllIgnored();
    const OverlapDemand demand = DemandOfShare(op_.options.ignore_iof);
    for (int32_t r = 0; r < regions.count; ++r) ignore_reach_.Set(r, regions.boxes[r], demand);
    const int64_t blocks = NumBlocks(op_.anchors.count, kBlock);
    // Few boxes are soon prepared; where many blocks follow, this wakes the other threads in time for those.
    const int64_t boxes_per_job = blocks > 16 ? 4 : 16;
    ParallelFor(NumBlocks(assignment_.rows, boxes_per_job), [&](int64_t job) {
      const int64_t end = std::min<int64_t>(assignment_.rows, (job + 1) * boxes_per_job);
      for (int64_t row = job * boxes_per_job; row < end; ++row) Prepare(static_cast<int32_t>(row));
    });
    ParallelFor(assignment_.images * blocks, [&](int64_t job) { Decide(job / blocks, (job % blocks) * kBlock); });
  }

 private:
  // Where the box can reach the threshold, and its best anchors.
  void Prepare(int32_t row) {
    const int64_t image = assignment_.ImageOf(row);
    const Assignment::Rows truth = assignment_.Truth(image);
    const BoxWithArea& box = truth.boxes[row - truth.first];
    if (op_.options.allow_low_quality_matches) {
      const float best = BestIou(box);
      if (best > 0) Mark(image, box, best);
      if (best < assignment_.threshold) return;
    }
    reach_.Set(row, box, DemandOfIou(assignment_.threshold, box.area));
  }

  // The cells in the middle of the box give a first bound, which leaves few others.
  float BestIou(const BoxWithArea& box) const {
    const double x = 0.5 * (static_cast<double>(box.x1) + static_cast<double>(box.x2));
    const double y = 0.5 * (static_cast<double>(box.y1) + static_cast<double>(box.y2));
    float best = 0;
    const auto raise = [&](int64_t, const GridRun& run) { best = kernels_.highest_iou(run, box, best); };
    for (const GridLevel& level : levels_) level.ForEachRun(level.CellAt(x, y), raise);
    for (const GridLevel& level : levels_) level.ForEachRun(level.InReach(box, DemandOfIou(best, box.area)), raise);
    return best;
  }

  void Mark(int64_t image, const BoxWithArea& box, float best) {
    int32_t found[kBlock];
    const auto mark = [&](int64_t first, const GridRun& run) {
      const int64_t n = kernels_.find_iou(run, box, best, found);
      for (int64_t k = 0; k < n; ++k) {
        const int64_t a = first + found[k];
        marks_[static_cast<size_t>(image * words_ + a / 64)].fetch_or(uint64_t{1} << (a % 64),
                                                                      std::memory_order_relaxed);
      }
    };
    for (const GridLevel& level : levels_) level.ForEachRun(level.InReach(box, DemandOfIou(best, box.area)), mark);
  }

  void Decide(int64_t image, int64_t first) {
    const int64_t size = std::min(kBlock, op_.anchors.count - first);
    Verdict verdict(assignment_, image, first, size);
    Contest<kBlock> contest;
    const Assignment::Rows truth = assignment_.Truth(image), ignored = assignment_.Ignored(image);
    // Ties go to the box with the smaller row, as in torch.max.
    reach_.ForEachRun(truth, first, first + size, [&](int32_t g, int64_t a, const GridRun& run) {
      contest.Open(assignment_, a - first, run.count);
      kernels_.compete(run, truth.boxes[g], FloatOf(static_cast<uint32_t>(g)), kInfinity, contest.best + (a - first),
                       contest.owner + (a - first));
    });
    verdict.ApplyThresholds(contest);
    if (op_.options.allow_low_quality_matches) {
      uint64_t marks[kBlock / 64] = {}, any = 0;
      for (int64_t word = 0; word * 64 < size; ++word) {
        marks[word] = marks_[static_cast<size_t>(image * words_ + first / 64 + word)].load(std::memory_order_relaxed);
        any |= marks[word];
      }
      if (any != 0) MatchMarked(assignment_, truth, first, marks, contest, verdict);
    }
    int32_t found[kBlock];
    ignore_reach_.ForEachRun(ignored, first, first + size, [&](int32_t r, int64_t a, const GridRun& run) {
      const int64_t n = kernels_.find_covered(run, ignored.boxes[r], op_.options.ignore_iof, found);
      for (int64_t k = 0; k < n; ++k) verdict.Ignore(a - first + found[k]);
    });
  }

  Assignment& assignment_;
  const rn_assign& op_;
  const AssignKernels<GridRun>& kernels_;
  const std::vector<GridLevel> levels_;
  ReachTable reach_, ignore_reach_;
  const int64_t words_;
  std::vector<std::atomic<uint64_t>> marks_;  // [images, words]: anchors with which some box has its best IoU
};

}  // namespace

void AssignOnGrid(Assignment& assignment) { GridSearch(assignment).Run(); }

}  // namespace rn::cpu
