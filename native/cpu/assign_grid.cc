// Assignment on a grid: a box meets only cells where it can still matter (math/anchor_reach.h). First every box's best
// IoU, and a mark on the anchors that have it; then block by block the competition of the boxes that can reach the
// thresholds there. Scratch memory: a bit an anchor, a cell range for each box and level.
#include <limits>

#include "assignment.h"
#include "grid_level.h"
#include "thread_pool.h"

namespace rn::cpu {
namespace {

constexpr int64_t kBlock = GridLevel::kLongestRun;
constexpr int64_t kBoxesPerJob = 16;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

class GridSearch {
 public:
  explicit GridSearch(Assignment& assignment)
      : assignment_(assignment), op_(assignment.op), kernels_(ActiveKernels()->grid) {
    for (int64_t l = 0; l < op_.anchors.num_levels; ++l) {
      const rn_grid_level& level = op_.anchors.levels[l];
      if (level.height * level.width * op_.anchors.anchors_per_cell > 0) {
        levels_.emplace_back(level, op_.anchors.anchors_per_cell);
      }
    }
    const size_t levels = levels_.size();
    reach_.resize(levels * static_cast<size_t>(assignment.rows));
    ignore_reach_.resize(levels * static_cast<size_t>(assignment.ignore_rows));
    words_ = NumBlocks(op_.anchors.count, 64);
    if (op_.options.allow_low_quality_matches)
      marks_ = std::vector<std::atomic<uint64_t>>(static_cast<size_t>(words_ * assignment.images));
  }

  void Run() {
    const OverlapDemand demand = DemandOfShare(op_.options.ignore_iof);
    for (int64_t image = 0; image < assignment_.images; ++image) {
      const Assignment::Rows ignored = assignment_.Ignored(image);
      for (int32_t r = 0; r < ignored.count; ++r) SetReach(ignore_reach_, assignment_.ignore_rows, ignored, r, demand);
    }
    ParallelFor(NumBlocks(assignment_.rows, kBoxesPerJob), [&](int64_t job) {
      const int64_t end = std::min<int64_t>(assignment_.rows, (job + 1) * kBoxesPerJob);
      for (int64_t row = job * kBoxesPerJob; row < end; ++row) Prepare(static_cast<int32_t>(row));
    });
    const int64_t blocks = NumBlocks(op_.anchors.count, kBlock);
    ParallelFor(assignment_.images * blocks, [&](int64_t job) { Decide(job / blocks, (job % blocks) * kBlock); });
  }

 private:
  static Box AsBox(const BoxWithArea& b) { return {b.x1, b.y1, b.x2, b.y2}; }

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
    SetReach(reach_, assignment_.rows, truth, row - truth.first, DemandOfIou(assignment_.threshold, box.area));
  }

  void SetReach(std::vector<CellRange>& reach, int32_t all_rows, const Assignment::Rows& rows, int32_t row,
                const OverlapDemand& demand) const {
    for (size_t l = 0; l < levels_.size(); ++l) {
      reach[l * static_cast<size_t>(all_rows) + static_cast<size_t>(rows.first + row)] =
          CellsInReach(levels_[l].reach, AsBox(rows.boxes[row]), demand);
    }
  }

  // The cells in the middle of the box give a first bound, which leaves few others.
  float BestIou(const BoxWithArea& box) const {
    const double x = 0.5 * (static_cast<double>(box.x1) + static_cast<double>(box.x2));
    const double y = 0.5 * (static_cast<double>(box.y1) + static_cast<double>(box.y2));
    float best = 0;
    const auto raise = [&](int64_t, const GridRun& run) { best = kernels_.highest_iou(run, box, best); };
    for (const GridLevel& level : levels_) level.ForEachRun(level.CellAt(x, y), level.first, level.end, raise);
    for (const GridLevel& level : levels_) {
      level.ForEachRun(CellsInReach(level.reach, AsBox(box), DemandOfIou(best, box.area)), level.first, level.end,
                       raise);
    }
    return best;
  }

  void Mark(int64_t image, const BoxWithArea& box, float best) {
    const OverlapDemand demand = DemandOfIou(best, box.area);
    int32_t found[kBlock];
    for (const GridLevel& level : levels_) {
      level.ForEachRun(CellsInReach(level.reach, AsBox(box), demand), level.first, level.end,
                       [&](int64_t first, const GridRun& run) {
                         const int64_t n = kernels_.find_iou(run, box, best, found);
                         for (int64_t k = 0; k < n; ++k) {
                           const int64_t a = first + found[k];
                           marks_[static_cast<size_t>(image * words_ + a / 64)].fetch_or(uint64_t{1} << (a % 64),
                                                                                         std::memory_order_relaxed);
                         }
                       });
    }
  }

  void Decide(int64_t image, int64_t first) {
    const int64_t size = std::min(kBlock, op_.anchors.count - first);
    Verdict verdict(assignment_, image, first, size);
    Contest<kBlock> contest;
    const Assignment::Rows truth = assignment_.Truth(image), ignored = assignment_.Ignored(image);
    // What stays below the threshold needs no owner here.
    const float floor = std::nextafter(assignment_.threshold, 0.0f);
    bool contested = false;
    // Ties go to the box with the smaller row, as in torch.max.
    ForEachRun(truth, reach_, assignment_.rows, first, first + size, [&](int32_t g, int64_t a, const GridRun& run) {
      if (!contested) contest.Clear(floor);
      contested = true;
      kernels_.compete(run, truth.boxes[g], FloatOfBits(static_cast<uint32_t>(g)), kInfinity,
                       contest.best + (a - first), contest.owner + (a - first));
    });
    if (contested) verdict.ApplyThresholds(contest);
    if (op_.options.allow_low_quality_matches) MatchMarked(image, first, size, contested, contest, verdict);
    int32_t found[kBlock];
    ForEachRun(ignored, ignore_reach_, assignment_.ignore_rows, first, first + size,
               [&](int32_t r, int64_t a, const GridRun& run) {
                 const int64_t n = kernels_.find_covered(run, ignored.boxes[r], op_.options.ignore_iof, found);
                 for (int64_t k = 0; k < n; ++k) verdict.Ignore(a - first + found[k]);
               });
  }

  // For the anchors [from, to): visit(row within the image, first anchor, run) wherever a box reaches, by rising row.
  template <class Visit>
  void ForEachRun(const Assignment::Rows& rows, const std::vector<CellRange>& reach, int32_t all_rows, int64_t from,
                  int64_t to, const Visit& visit) const {
    for (size_t l = 0; l < levels_.size(); ++l) {
      const GridLevel& level = levels_[l];
      const int64_t begin = std::max(from, level.first), end = std::min(to, level.end);
      if (begin >= end) continue;
      const int32_t first_row = static_cast<int32_t>((begin - level.first) / level.row_size);
      const int32_t end_row = static_cast<int32_t>((end - 1 - level.first) / level.row_size) + 1;
      const CellRange* ranges = reach.data() + l * static_cast<size_t>(all_rows) + rows.first;
      for (int32_t g = 0; g < rows.count; ++g) {
        CellRange range = ranges[g];
        if (range.first_row >= end_row || range.end_row <= first_row) continue;
        range.first_row = std::max(range.first_row, first_row);
        range.end_row = std::min(range.end_row, end_row);
        level.ForEachRun(range, begin, end, [&](int64_t a, const GridRun& run) { visit(g, a, run); });
      }
    }
  }

  // A marked anchor goes to its best box of all. From the threshold on the contest knows it; below, some may have been
  // left out.
  void MatchMarked(int64_t image, int64_t first, int64_t size, bool contested, Contest<kBlock>& contest,
                   Verdict& verdict) {
    int32_t unsure[kBlock];
    int64_t n = 0;
    for (int64_t word = 0; word * 64 < size; ++word) {
      uint64_t bits = marks_[static_cast<size_t>(image * words_ + first / 64 + word)].load(std::memory_order_relaxed);
      for (int64_t i = word * 64; bits != 0; ++i, bits >>= 1) {
        if (!(bits & 1)) continue;
        if (contested && contest.best[i] >= assignment_.threshold) {
          verdict.Match(i, contest.Owner(i));
        } else {
          contest.best[i] = contest.owner[i] = 0;
          unsure[n++] = static_cast<int32_t>(i);
        }
      }
    }
    if (n == 0) return;
    // The boxes as a list, which the anchor meets as a box meets anchors.
    const Assignment::Rows truth = assignment_.Truth(image);
    const AssignKernels<AnchorList>& kernels = ActiveKernels()->list;
    const rn_anchors list{truth.count, op_.truth.boxes + 4 * static_cast<int64_t>(truth.first), nullptr, 0, 0};
    AnchorBlock boxes;
    int32_t found[AnchorBlock::kSize];
    for (int64_t chunk = 0; chunk < truth.count; chunk += AnchorBlock::kSize) {
      boxes.Load(list, chunk);
      for (int64_t k = 0; k < n; ++k) {
        const int32_t i = unsure[k];
        const BoxWithArea anchor = WithArea(AnchorOf(op_.anchors, first + i));
        const float highest = kernels.highest_iou(boxes.List(), anchor, contest.best[i]);
        if (!(highest > contest.best[i]) || kernels.find_iou(boxes.List(), anchor, highest, found) == 0) continue;
        contest.best[i] = highest;
        contest.owner[i] = FloatOfBits(static_cast<uint32_t>(chunk + found[0]));
      }
    }
    for (int64_t k = 0; k < n; ++k) verdict.Match(unsure[k], contest.Owner(unsure[k]));
  }

  Assignment& assignment_;
  const rn_assign& op_;
  const AssignKernels<GridRun>& kernels_;
  std::vector<GridLevel> levels_;
  std::vector<CellRange> reach_, ignore_reach_;  // [levels, rows]
  int64_t words_ = 0;
  std::vector<std::atomic<uint64_t>> marks_;  // [images, words]: anchors with which some box has its best IoU
};

}  // namespace

void AssignOnGrid(Assignment& assignment) { GridSearch(assignment).Run(); }

}  // namespace rn::cpu
