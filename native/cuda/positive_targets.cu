// The positive anchors of an assignment, in order, and their box targets. Each warp counts those of its tile, the
// counts are summed up, and each warp writes its own where the ones before it end.
#include "../math/box_coder.h"
#include "anchors.h"
#include "cuda_backend.h"

namespace rn::cuda {
namespace {

constexpr int kThreads = 256, kTile = 256;  // rows of a warp
constexpr int kSumThreads = 1024;

// Calls visit(row, whether it is positive, the lanes whose rows are) for the rows of this thread's tile. Lanes stay
// together.
template <class Visit>
__device__ void ForEachRow(const int32_t* matches, int32_t rows, int32_t tile, const Visit& visit) {
  const int32_t lane = static_cast<int32_t>(threadIdx.x) % kWarp;
  for (int32_t i = 0; i < kTile; i += kWarp) {
    const int64_t row = static_cast<int64_t>(tile) * kTile + i + lane;
    const bool positive = row < rows && matches[row] >= 0;
    visit(static_cast<int32_t>(row), positive, __ballot_sync(kAllLanes, positive));
  }
}

__device__ inline int32_t TileOfWarp() {
  return static_cast<int32_t>(blockIdx.x) * (kThreads / kWarp) + static_cast<int32_t>(threadIdx.x) / kWarp;
}

struct Totals {
  int32_t positives, gt_rows;  // gt_rows: one past the highest row that is matched
};

__global__ void CountPositives(const int32_t* matches, int32_t rows, int32_t* counts, Totals* totals) {
  int32_t count = 0;
  ForEachRow(matches, rows, TileOfWarp(), [&](int32_t row, bool positive, unsigned lanes) {
    if (positive) atomicMax(&totals->gt_rows, matches[row] + 1);
    count += __popc(lanes);
  });
  if (threadIdx.x % kWarp == 0) counts[TileOfWarp()] = count;
}

__device__ inline int32_t SumUpToLane(int32_t value) {
  for (int step = 1; step < kWarp; step *= 2) {
    const int32_t before = __shfl_up_sync(kAllLanes, value, static_cast<unsigned>(step));
    if (static_cast<int>(threadIdx.x) % kWarp >= step) value += before;
  }
  return value;
}

// Turns counts into the sums of those before, by one block; the sum of all goes to `totals`.
__global__ void SumBefore(int32_t* counts, int32_t size, Totals* totals) {
  struct Sums {
    int32_t of_warp[kSumThreads / kWarp];
  };
  RN_SHARED(Sums, sums);
  const int thread = static_cast<int>(threadIdx.x);
  int32_t before = 0;
  for (int32_t first = 0; first < size; first += kSumThreads) {
    const bool inside = size - first > thread;
    const int32_t count = inside ? counts[first + thread] : 0;
    const int32_t up_to = SumUpToLane(count);
    if (thread % kWarp == kWarp - 1) sums.of_warp[thread / kWarp] = up_to;
    __syncthreads();
    if (thread < kWarp) sums.of_warp[thread] = SumUpToLane(sums.of_warp[thread]);
    __syncthreads();
    const int32_t of_warps_before = thread < kWarp ? 0 : sums.of_warp[thread / kWarp - 1];
    if (inside) counts[first + thread] = before + of_warps_before + up_to - count;
    before += sums.of_warp[kSumThreads / kWarp - 1];
    __syncthreads();
  }
  if (thread == 0) totals->positives = before;
}

__global__ void WriteTargets(Anchors anchors, const float* gt_boxes, const int32_t* matches, int32_t rows,
                             const int32_t* first_of_tile, int32_t* positives, float* box_targets) {
  const unsigned lanes_before = (1u << threadIdx.x % kWarp) - 1;
  int64_t first = first_of_tile[TileOfWarp()];
  ForEachRow(matches, rows, TileOfWarp(), [&](int32_t row, bool positive, unsigned lanes) {
    if (positive) {
      const int64_t p = first + __popc(lanes & lanes_before);
      const Box box = LoadBox(gt_boxes + 4 * static_cast<int64_t>(matches[row]));
      const Deltas d = Encode(AnchorAt(anchors, row % anchors.count), box);
      positives[p] = row;
      StoreBox({d.dx, d.dy, d.dw, d.dh}, box_targets + 4 * p);
    }
    first += __popc(lanes);
  });
}

}  // namespace

rn_status PositiveTargets(const rn_positive_targets* args) {
  return Guarded([&] {
    const rn_positive_targets& op = *args;
    const int64_t rows = op.images * op.anchors.count;
    if (rows == 0) return;
    const Turn turn(op.place);
    Device& device = turn.device;
    Arrays arrays(device, op.place.memory);
    const Anchors anchors = AnchorsOf(arrays, op.anchors);
    const int32_t* matches = arrays.In(op.matches, rows);
    const int64_t blocks = DivideUp(rows, int64_t{kThreads / kWarp} * kTile), tiles = blocks * (kThreads / kWarp);
    Scratch<int32_t> counts(device, tiles);
    Scratch<Totals> totals(device, 1);
    totals.Clear();
    Launch(device, blocks, kThreads, CountPositives, matches, rows, counts.get(), totals.get());
    Launch(device, 1, kSumThreads, SumBefore, counts.get(), tiles, totals.get());

    // Only arrays in host memory have to know their size.
    Totals sizes{};
    if (op.place.memory == RN_HOST || op.gt_memory == RN_HOST) {
      Download(device, &sizes, totals.get(), sizeof sizes);
      RN_CUDA(cudaStreamSynchronize(device.stream));
      if (sizes.positives == 0) return;
    }
    const float* gt_boxes = arrays.In(op.gt_boxes, 4 * static_cast<int64_t>(sizes.gt_rows), op.gt_memory);
    int32_t* positives = arrays.Out(op.positives, sizes.positives);
    float* box_targets = arrays.Out(op.box_targets, 4 * static_cast<int64_t>(sizes.positives));
    Launch(device, blocks, kThreads, WriteTargets, anchors, gt_boxes, matches, rows, counts.get(), positives,
           box_targets);
    arrays.Finish();
  });
}

}  // namespace rn::cuda
