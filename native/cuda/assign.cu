// Anchor assignment: torchvision.models.detection._utils.Matcher over a batch. Boxes look for anchors, not anchors for
// boxes: a box visits only those that can reach what still matters (math/anchor_reach.h), a few hundred of a grid's
// hundred thousands. First each box bids for the anchors with which it reaches the threshold, and learns its best IoU;
// then it marks the anchors that have this IoU ("low quality matches"), and ignore regions mark theirs; then each
// anchor decides. Scratch memory: 8 bytes per anchor of each image. Maxima and marks do not depend on the order in
// which they arrive, so neither do the results.
#include "../math/matching.h"
#include "anchor_groups.h"
#include "assign.h"
#include "cuda_backend.h"
#include "reduce.h"

namespace rn::cuda {
namespace {

// A bid holds the bits of its IoU, which order as non-negative floats do, and the complement of its row. The marks come
// when all bids are in.
constexpr Bid kKept = 1, kInRegion = Bid{1} << 63;

__device__ inline Bid BidOf(float iou, int32_t row) {
  return iou > 0 ? static_cast<Bid>(__float_as_uint(iou)) << 32 | static_cast<Bid>(INT32_MAX - row) << 1 : 0;
}
__device__ inline float IouOf(Bid bid) { return __uint_as_float(static_cast<unsigned>((bid & ~kInRegion) >> 32)); }
__device__ inline int32_t RowOf(Bid bid) { return INT32_MAX - static_cast<int32_t>(bid >> 1 & INT32_MAX); }

__device__ inline float Threshold(const rn_match_options& options) {
  return LeastThreshold(options.positive_threshold, options.negative_threshold);
}

// offsets[image] <= row < offsets[image + 1].
__device__ int32_t ImageOf(const int32_t* offsets, int32_t images, int32_t row) {
  int32_t low = 0, high = images;
  while (high - low > 1) {
    const int32_t middle = low + (high - low) / 2;
    if (offsets[middle] <= row) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

// Each block takes one box after the other.
__global__ void PlaceBids(Assignment to) {
  struct Highest {
    float of_warp[kSearchThreads / kWarp];
  };
  RN_SHARED(SearchQueue, queue);
  RN_SHARED(Highest, shared);
  const int32_t rows = to.truth.offsets[to.truth.images];
  const float threshold = Threshold(to.options);
  for (int32_t row = static_cast<int32_t>(blockIdx.x); row < rows; row += static_cast<int32_t>(gridDim.x)) {
    const Box box = LoadBox(to.truth.boxes + 4 * static_cast<int64_t>(row));
    const float area = Area(box);
    const int32_t image = ImageOf(to.truth.offsets, to.truth.images, row);
    Bid* bids = to.bids + static_cast<int64_t>(image) * to.anchors.count;
    float best = 0;
    // With an IoU of `demand` the box is content. Where it finds none it looks for less: first for half, then for ever
    // smaller parts.
    float demand = threshold;
    for (float part = 2; HasArea(box); part *= 2) {
      float highest = 0;
      ForEachInReach(to.anchors, box, DemandOfIou(demand, area), queue, [&](int32_t a, const Box& anchor) {
        const float iou = Iou(box, area, anchor, Area(anchor));
        highest = Max(iou, highest);
        if (iou >= threshold && iou > 0) atomicMax(bids + a, BidOf(iou, row));
      });
      highest = WarpMax(highest);
      if (threadIdx.x % kWarp == 0) shared.of_warp[threadIdx.x / kWarp] = highest;
      __syncthreads();
      best = 0;
      for (const float of_warp : shared.of_warp) best = Max(best, of_warp);
      __syncthreads();
      if (best >= demand || !to.options.allow_low_quality_matches) break;
      demand = demand < kSmallestShare ? 0 : demand / part;
    }
    if (threadIdx.x == 0) to.box_best[row] = best;
  }
}

// Boxes look for the anchors that they keep, ignore regions for those that they cover.
__global__ void PlaceMarks(Assignment to) {
  RN_SHARED(SearchQueue, queue);
  const Truth& truth = to.truth;
  const int32_t boxes = to.options.allow_low_quality_matches ? truth.offsets[truth.images] : 0;
  const int32_t regions = truth.ignore_offsets ? truth.ignore_offsets[truth.images] : 0;
  for (int64_t i = blockIdx.x; i < static_cast<int64_t>(boxes) + regions; i += gridDim.x) {
    const bool is_region = i >= boxes;
    const int32_t row = static_cast<int32_t>(is_region ? i - boxes : i);
    const Box box = LoadBox((is_region ? truth.ignore_boxes : truth.boxes) + 4 * static_cast<int64_t>(row));
    const float area = Area(box);
    const float best = is_region ? to.options.ignore_iof : to.box_best[row];
    if (!HasArea(box) || (!is_region && !(best > 0))) continue;
    const int32_t image = ImageOf(is_region ? truth.ignore_offsets : truth.offsets, truth.images, row);
    Bid* bids = to.bids + static_cast<int64_t>(image) * to.anchors.count;
    const OverlapDemand demand = is_region ? DemandOfShare(best) : DemandOfIou(best, area);
    ForEachInReach(to.anchors, box, demand, queue, [&](int32_t a, const Box& anchor) {
      const float anchor_area = Area(anchor);
      if (is_region) {
        if (Intersection(box, anchor) / anchor_area >= best) atomicOr(bids + a, kInRegion);
      } else if (Iou(box, area, anchor, anchor_area) == best) {
        atomicOr(bids + a, kKept);
      }
    });
  }
}

// The best bid of all boxes of an image, found by a warp.
__device__ Bid BestBid(const Truth& truth, int32_t image, const Box& anchor) {
  const float anchor_area = Area(anchor);
  Bid best = 0;
  for (int32_t row = truth.offsets[image] + static_cast<int32_t>(threadIdx.x % kWarp); row < truth.offsets[image + 1];
       row += kWarp) {
    const Box box = LoadBox(truth.boxes + 4 * static_cast<int64_t>(row));
    const Bid bid = BidOf(Iou(box, Area(box), anchor, anchor_area), row);
    if (bid > best) best = bid;
  }
  return WarpMax(best);
}

// By one warp; only its lane 0 has it.
__device__ double SumOfCounts(const unsigned long long* counts, int32_t images) {
  unsigned long long sum = 0;
  for (int32_t image = static_cast<int32_t>(threadIdx.x); image < images; image += kWarp) sum += __ldcg(counts + image);
  for (int step = kWarp / 2; step > 0; step /= 2) sum += __shfl_xor_sync(kAllLanes, sum, step);
  return static_cast<double>(sum);
}

constexpr int kDecideThreads = 256, kDecideTile = 1024;  // anchors of one image

__global__ void Decide(Assignment to, int32_t tiles) {
  struct Shared {
    bool last;
  };
  RN_SHARED(Shared, shared);
  const int32_t image = static_cast<int32_t>(blockIdx.x) / tiles, tile = static_cast<int32_t>(blockIdx.x) % tiles;
  const int64_t first = static_cast<int64_t>(image) * to.anchors.count;
  const int32_t first_row = to.truth.offsets[image];
  const bool any_box = to.truth.offsets[image + 1] > first_row;
  const float threshold = Threshold(to.options);
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  unsigned positives = 0;
  for (int i = static_cast<int>(threadIdx.x); i < kDecideTile; i += kDecideThreads) {
    const int64_t a = static_cast<int64_t>(tile) * kDecideTile + i;
    const bool inside = a < to.anchors.count;
    Bid bid = inside ? to.bids[first + a] : 0;
    const bool kept = bid & kKept;
    // Below the threshold not all boxes have bid.
    for (unsigned unsure = __ballot_sync(kAllLanes, kept && IouOf(bid) < threshold); unsure; unsure &= unsure - 1) {
      const int one = __ffs(static_cast<int>(unsure)) - 1;
      const Bid best = BestBid(to.truth, image, AnchorAt(to.anchors, static_cast<int32_t>(a) - lane + one));
      if (lane == one) bid = best;
    }
    const float iou = IouOf(bid);
    int32_t label = RN_LABEL_BACKGROUND, match = RN_LABEL_BACKGROUND;
    if (kept || (any_box && iou >= to.options.positive_threshold)) {
      match = iou > 0 ? RowOf(bid) : first_row;
      label = to.truth.labels[match];
      if (label < 0 || label >= to.classes) label = match = RN_LABEL_IGNORED;
    } else if ((any_box && iou >= to.options.negative_threshold) || (bid & kInRegion)) {
      label = match = RN_LABEL_IGNORED;
    }
    if (inside) {
      to.labels[first + a] = label;
      to.matches[first + a] = match;
      // Many threads may write this same number at once, which only volatile makes no race.
      if (match >= 0 && to.gt_matched) static_cast<volatile uint8_t*>(to.gt_matched)[match] = 1;
    }
    positives += static_cast<unsigned>(__popc(__ballot_sync(kAllLanes, inside && match >= 0)));
  }
  if (lane == 0 && positives > 0) atomicAdd(to.positive_counts + image, static_cast<unsigned long long>(positives));
  if (!to.num_positive || !IsLastBlock(to.arrived, shared.last) || threadIdx.x >= kWarp) return;
  const double sum = SumOfCounts(to.positive_counts, to.truth.images);
  if (lane == 0) *to.num_positive = sum;
}

}  // namespace

void QueueAssignment(const Device& device, Assignment to) {
  const int64_t count = to.anchors.count, all = to.truth.images * count;
  if (all == 0) return;
  if (to.anchors.boxes) {
    Launch(device, DivideUp(count, kAnchorsOfCluster), kAnchorsOfCluster, BoundGroups<>, to.anchors, to.groups);
    to.anchors.groups = to.groups;
  }
  // As many blocks as the device runs at once, however many boxes there are: only its memory knows.
  Launch(device, ResidentBlocks(device, kSearchThreads, PlaceBids, INT32_MAX), kSearchThreads, PlaceBids, to);
  if (to.options.allow_low_quality_matches || to.truth.ignore_offsets) {
    Launch(device, ResidentBlocks(device, kSearchThreads, PlaceMarks, INT32_MAX), kSearchThreads, PlaceMarks, to);
  }
  const int64_t tiles = DivideUp(count, kDecideTile);
  Launch(device, to.truth.images * tiles, kDecideThreads, Decide, to, tiles);
}

rn_status Assign(const rn_assign* args) {
  return Guarded([&] {
    const rn_assign& op = *args;
    const int64_t images = op.truth.images, rows = op.truth.offsets[images], all = images * op.anchors.count;
    const Turn turn(op.place);
    Device& device = turn.device;
    Arrays arrays(device, op.place.memory);
    const Anchors anchors = AnchorsOf(arrays, op.anchors);
    Scratch<Group> groups(device, anchors.boxes ? CountGroups(anchors.count) : 0);
    Scratch<Bid> bids(device, all);
    Scratch<float> box_best(device, rows);
    Assignment to{anchors,
                  TruthOf(arrays, op.truth),
                  op.options,
                  INT32_MAX,
                  groups.get(),
                  bids.get(),
                  box_best.get(),
                  arrays.Out(op.labels, all),
                  arrays.Out(op.matches, all),
                  nullptr,
                  nullptr,
                  nullptr,
                  nullptr};
    static_assert(sizeof *op.positive_counts == sizeof *to.positive_counts, "counted on the device as unsigned");
    to.positive_counts = reinterpret_cast<unsigned long long*>(arrays.ToHost(op.positive_counts, images));
    to.gt_matched = arrays.ToHost(op.gt_matched, rows);
    const auto clear = [&](void* pointer, int64_t bytes) {
      if (bytes > 0) RN_CUDA(cudaMemsetAsync(pointer, 0, static_cast<size_t>(bytes), device.stream));
    };
    clear(to.bids, all * static_cast<int64_t>(sizeof(Bid)));
    clear(to.positive_counts, images * static_cast<int64_t>(sizeof *to.positive_counts));
    clear(to.gt_matched, rows);
    QueueAssignment(device, to);
    if (op.tiles)
      std::fill_n(op.tiles, images * ((op.anchors.count + RN_TILE - 1) / RN_TILE), 1);  // all may have positives
    arrays.Finish();
  });
}

}  // namespace rn::cuda
