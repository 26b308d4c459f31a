// The positive anchors of an assignment, in order, and the deltas from them to their boxes.
#include <algorithm>
#include <vector>

#include "../math/box_coder.h"
#include "../threads/thread_pool.h"
#include "anchor_block.h"
#include "cpu_backend.h"
#include "status.h"

namespace rn::cpu {
namespace {

constexpr int64_t kPerBlock = 4096;

// Calls visit(index, row) wherever there is a match. Hardly anywhere is one.
template <class Visit>
void ForEachMatch(const rn_positive_targets& op, int64_t first, int64_t last, const Visit& visit) {
  constexpr int64_t kStep = 64;
  for (int64_t i = first; i < last; i += kStep) {
    const int64_t end = std::min(last, i + kStep);
    int32_t all = -1;
    for (int64_t k = i; k < end; ++k) all &= op.matches[k];
    if (all < 0) continue;  // all of them are
    for (int64_t k = i; k < end; ++k) {
      // Read once: the row that is checked is the one that is used.
      const int32_t row = *const_cast<const volatile int32_t*>(op.matches + k);
      if (row >= 0 && row < op.gt_count) visit(k, row);
    }
  }
}

}  // namespace

rn_status PositiveTargets(const rn_positive_targets* args) {
  return Guarded([&] {
    const rn_positive_targets& op = *args;
    const int64_t rows = op.images * op.anchors.count;
    const int64_t blocks = NumBlocks(rows, kPerBlock);
    const auto for_each_match = [&](int64_t block, const auto& visit) {
      ForEachMatch(op, block * kPerBlock, std::min(rows, (block + 1) * kPerBlock), visit);
    };
    std::vector<int64_t> places(static_cast<size_t>(blocks) + 1);  // of each block's first positive
    ParallelFor(blocks, [&](int64_t block) {
      int64_t count = 0;
      for_each_match(block, [&](int64_t, int32_t) { ++count; });
      places[static_cast<size_t>(block) + 1] = count;
    });
    for (size_t block = 0; block < static_cast<size_t>(blocks); ++block) {
      places[block + 1] = std::min(op.num_positive, places[block] + places[block + 1]);
    }
    places.back() = op.num_positive;
    ParallelFor(blocks, [&](int64_t block) {
      int64_t p = places[static_cast<size_t>(block)];
      const int64_t end = places[static_cast<size_t>(block) + 1];
      if (p == end) return;
      for_each_match(block, [&](int64_t i, int32_t row) {
        if (p == end) return;
        const Box box = LoadBox(op.gt_boxes + 4 * static_cast<int64_t>(row));
        const Deltas d = Encode(AnchorOf(op.anchors, i % op.anchors.count), box);
        op.positives[p] = static_cast<int32_t>(i);
        StoreBox({d.dx, d.dy, d.dw, d.dh}, op.box_targets + 4 * p);
        ++p;
      });
      std::fill(op.positives + p, op.positives + end, 0);
      std::fill(op.box_targets + 4 * p, op.box_targets + 4 * end, 0.0f);
    });
  });
}

}  // namespace rn::cpu
