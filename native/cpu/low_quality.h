// Low-quality matches: the anchors with which some box has its best IoU, however low.
#ifndef RETINANET_OPS_CPU_LOW_QUALITY_H
#define RETINANET_OPS_CPU_LOW_QUALITY_H

#include "assignment.h"

namespace rn::cpu {

// Finds the best box of all for the anchors first + indices[k]. The boxes stand in columns, and an anchor meets them as
// a box meets anchors.
template <int64_t kSize>
void FindOwners(const rn_anchors& anchors, const Assignment::Rows& truth, int64_t first, const int32_t* indices,
                int64_t count, Contest<kSize>& contest) {
  const auto anchor_of = [&](int64_t k) { return AnchorOf(anchors, first + indices[k]); };
  Box around = anchor_of(0);
  for (int64_t k = 0; k < count; ++k) {
    around = Around(around, anchor_of(k));
    contest.best[indices[k]] = 0;
    contest.SetOwner(indices[k], 0);
  }
  BoxColumns columns;
  int32_t rows[BoxColumns::kSize], found[BoxColumns::kSize];
  const auto compare = [&] {
    const AnchorList boxes = columns.List();
    const AssignKernels<AnchorList>& kernels = ActiveKernels()->list;
    for (int64_t k = 0; k < count; ++k) {
      float& best = contest.best[indices[k]];
      const BoxWithArea anchor = WithArea(anchor_of(k));
      const float highest = kernels.highest_iou(boxes, anchor, best);
      if (!(highest > best)) continue;  // of equals the first row stays
      best = highest;
      kernels.find_iou(boxes, anchor, highest, found);
      contest.SetOwner(indices[k], rows[found[0]]);
    }
    columns.size = 0;
  };
  for (int32_t g = 0; g < truth.count; ++g) {
    if (!MayOverlap(around, truth.boxes[g])) continue;
    rows[columns.size] = g;
    columns.Put(columns.size++, truth.boxes[g]);
    if (columns.size == BoxColumns::kSize) compare();
  }
  compare();
}

// A marked anchor goes to its best box of all, which need not be the one that marked it. From the threshold on the
// contest knows it; below, boxes were left out.
template <int64_t kSize>
void MatchMarked(const Assignment& assignment, const Assignment::Rows& truth, int64_t first,
                 const uint64_t (&marks)[kSize / 64], Contest<kSize>& contest, Verdict& verdict) {
  int32_t unsure[kSize];
  int64_t count = 0;
  for (int64_t word = 0; word < kSize / 64; ++word) {
    int64_t i = word * 64;
    for (uint64_t bits = marks[word]; bits != 0; ++i, bits >>= 1) {
      if (!(bits & 1)) continue;
      if (contest.Reached(i, assignment.threshold)) {
        verdict.Match(i, contest.Owner(i));
      } else {
        unsure[count++] = static_cast<int32_t>(i);
      }
    }
  }
  if (count == 0) return;
  FindOwners(assignment.op.anchors, truth, first, unsure, count, contest);
  for (int64_t k = 0; k < count; ++k) verdict.Match(unsure[k], contest.Owner(unsure[k]));
}

}  // namespace rn::cpu

#endif
