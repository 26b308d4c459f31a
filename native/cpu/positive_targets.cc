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

constexpr int64_t kTilesPerJob = 256;

// The matches of a tile: indices into all of them.
struct Range {
  int64_t first, last;
};

std::vector<Range> TilesToVisit(const rn_positive_targets& op) {
  std::vector<Range> ranges;
  const int64_t count = op.anchors.count, tiles = NumBlocks(count, RN_TILE);
  for (int64_t tile = 0; tile < op.images * tiles; ++tile) {
    if (op.tiles && !op.tiles[tile]) continue;
    const int64_t image = tile / tiles, anchor = tile % tiles * RN_TILE;
    ranges.push_back({image * count + anchor, image * count + std::min(count, anchor + RN_TILE)});
  }
  return ranges;
}

// Calls visit(index, row) wherever there is a match. Hardly anywhere is one.
template <class Visit>
void ForEachMatch(const rn_positive_targets& op, const Range& range, const Visit& visit) {
  constexpr int64_t kStep = 64;
  for (int64_t i = range.first; i < range.last; i += kStep) {
    const int64_t end = std::min(range.last, i + kStep);
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
    const std::vector<Range> tiles = TilesToVisit(op);
    const int64_t jobs = NumBlocks(static_cast<int64_t>(tiles.size()), kTilesPerJob);
    const auto for_each_match = [&](int64_t job, const auto& visit) {
      const size_t first = static_cast<size_t>(job * kTilesPerJob);
      const size_t last = std::min(tiles.size(), first + kTilesPerJob);
      for (size_t tile = first; tile < last; ++tile) ForEachMatch(op, tiles[tile], visit);
    };
    std::vector<int64_t> places(static_cast<size_t>(jobs) + 1);  // of each job's first positive
    if (jobs > 1) {
      ParallelFor(jobs, [&](int64_t job) {
        int64_t count = 0;
        for_each_match(job, [&](int64_t, int32_t) { ++count; });
        places[static_cast<size_t>(job) + 1] = count;
      });
    }
    for (size_t job = 0; job < static_cast<size_t>(jobs); ++job) {
      places[job + 1] = std::min(op.num_positive, places[job] + places[job + 1]);
    }
    places.back() = op.num_positive;
    ParallelFor(jobs, [&](int64_t job) {
      int64_t p = places[static_cast<size_t>(job)];
      const int64_t end = places[static_cast<size_t>(job) + 1];
      if (p == end) return;
      for_each_match(job, [&](int64_t i, int32_t row) {
        if (p == end) return;
        const Box box = LoadBox(op.gt_boxes + 4 * static_cast<int64_t>(row));
        const Deltas deltas = Encode(AnchorOf(op.anchors, i % op.anchors.count), box, op.coder_weights);
        op.positives[p] = static_cast<int32_t>(i);
        StoreDeltas(deltas, op.box_targets + 4 * p);
        ++p;
      });
      std::fill(op.positives + p, op.positives + end, 0);
      std::fill(op.box_targets + 4 * p, op.box_targets + 4 * end, 0.0f);
    });
  });
}

}  // namespace rn::cpu
