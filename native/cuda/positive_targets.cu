// The positive anchors of an assignment, in order, and their box targets. Each warp counts those of its tile, the
// counts are summed up, and each warp writes its own where the ones before it end.
#include "../math/box_coder.h"
#include "anchors.h"
#include "cuda_backend.h"
#include "scan.h"

namespace rn::cuda {
namespace {

constexpr int kThreads = 256, kTile = 256;  // rows of a warp
constexpr int kSumThreads = 1024;

struct Matches {
  const int32_t* matches;
  int32_t rows, gt_count;
};

// Calls visit(row, its match or -1, the lanes whose rows have one) for the rows of this thread's tile. Lanes stay
// together.
template <class Visit>
__device__ void ForEachRow(const Matches& in, int32_t tile, const Visit& visit) {
  for (int32_t i = 0; i < kTile; i += kWarp) {
    const int64_t row = static_cast<int64_t>(tile) * kTile + i + Lane();
    int32_t match = row < in.rows ? in.matches[row] : -1;
    if (match >= in.gt_count) match = -1;
    visit(static_cast<int32_t>(row), match, __ballot_sync(kAllLanes, match >= 0));
  }
}

__device__ inline int32_t TileOfWarp() { return static_cast<int32_t>(blockIdx.x) * (kThreads / kWarp) + WarpOfBlock(); }

__global__ void CountPositives(Matches in, int32_t* counts) {
  int32_t count = 0;
  ForEachRow(in, TileOfWarp(), [&](int32_t, int32_t, unsigned lanes) { count += __popc(lanes); });
  if (Lane() == 0) counts[TileOfWarp()] = count;
}

// Turns counts into the sums of those before, by one block.
__global__ void SumCounts(int32_t* counts, int32_t size) {
  RN_SHARED(BlockSums<int32_t>, sums);
  const int32_t thread = static_cast<int32_t>(threadIdx.x);
  int32_t before = 0;
  for (int32_t first = 0; first < size; first += kSumThreads) {
    const bool inside = size - first > thread;
    int32_t total = 0;
    const int32_t sum = SumBefore(inside ? counts[first + thread] : 0, sums, total);
    if (inside) counts[first + thread] = before + sum;
    before += total;
  }
}

// NOLINTNEXTLINE(readability-function-size): a kernel, whose arguments cross one by one
__global__ void WriteTargets(Anchors anchors, rn_coder_weights by, const float* gt_boxes, Matches in,
                             const int32_t* first_of_tile, int64_t num_positive, int32_t* positives,
                             float* box_targets) {
  int64_t first = first_of_tile[TileOfWarp()];
  ForEachRow(in, TileOfWarp(), [&](int32_t row, int32_t match, unsigned lanes) {
    const int64_t p = first + __popc(lanes & LanesBefore());
    if (match >= 0 && p < num_positive) {
      const Box box = LoadBox(gt_boxes + 4 * static_cast<int64_t>(match));
      const Deltas deltas = Encode(AnchorAt(anchors, row % anchors.count), box, by);
      positives[p] = row;
      StoreDeltas(deltas, box_targets + 4 * p);
    }
    first += __popc(lanes);
  });
}

}  // namespace

rn_status PositiveTargets(const rn_positive_targets* args) {
  return Guarded([&] {
    const rn_positive_targets& op = *args;
    if (op.num_positive == 0) return;
    const Turn turn(op.place);
    Device& device = turn.device;
    Arrays arrays(device, op.place.memory);
    const int64_t rows = op.images * op.anchors.count;
    const Anchors anchors = AnchorsOf(arrays, op.anchors);
    const Matches matches{arrays.In(op.matches, rows), static_cast<int32_t>(rows), static_cast<int32_t>(op.gt_count)};
    const float* gt_boxes = arrays.In(op.gt_boxes, 4 * op.gt_count, op.gt_memory);
    int32_t* positives = arrays.Out(op.positives, op.num_positive);
    float* box_targets = arrays.Out(op.box_targets, 4 * op.num_positive);
    const int64_t blocks = DivideUp(rows, int64_t{kThreads / kWarp} * kTile), tiles = blocks * (kThreads / kWarp);
    Scratch<int32_t> counts(device, tiles);
    Launch(device, blocks, kThreads, CountPositives, matches, counts.get());
    Launch(device, 1, kSumThreads, SumCounts, counts.get(), tiles);
    // Where matches have been written to meanwhile there may be fewer than were counted.
    RN_CUDA(cudaMemsetAsync(positives, 0, static_cast<size_t>(op.num_positive) * 4, device.stream));
    RN_CUDA(cudaMemsetAsync(box_targets, 0, static_cast<size_t>(op.num_positive) * 16, device.stream));
    Launch(device, blocks, kThreads, WriteTargets, anchors, op.coder_weights, gt_boxes, matches, counts.get(),
           op.num_positive, positives, box_targets);
    arrays.Finish();
  });
}

}  // namespace rn::cuda
