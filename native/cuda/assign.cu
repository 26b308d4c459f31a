// Anchor assignment: torchvision.models.detection._utils.Matcher over a batch. Boxes look for anchors, not anchors for
// boxes: a box visits only those that can reach what still matters (math/anchor_reach.h), a few hundred of a grid's
// hundred thousands. First each box bids for the anchors with which it reaches the threshold, and learns its best IoU;
// then it marks the anchors that have this IoU ("low quality matches"). Ignore regions mark theirs. At last each anchor
// decides. Scratch memory: 8 1/8 bytes per anchor of each image, 8 1/4 with ignore regions. Maxima and marks do not
// depend on the order in which they arrive, so neither do the results.
#include <algorithm>

#include "../math/matching.h"
#include "anchor_groups.h"
#include "assign.h"
#include "bids.h"
#include "cuda_backend.h"
#include "loss_inputs.h"
#include "reduce.h"
#include "vector_access.h"

namespace rn::cuda {
namespace {

// For one box: of a grid it visits few anchors, of a list it goes through many groups of them.
constexpr int kGridThreads = 32, kListThreads = 128;

__device__ inline float Threshold(const rn_match_options& options) {
  return LeastThreshold(options.positive_threshold, options.negative_threshold);
}

// Of box i, or of region i - boxes. By a block.
template <int kThreads>
__device__ void PlaceBidsOf(const Assignment& to, int64_t i, SearchQueue<kThreads>& queue, Highest<kThreads>& shared) {
  const Truth& truth = to.truth;
  const int32_t boxes = truth.offsets[truth.images];
  const float threshold = Threshold(to.options);
  const bool is_region = i >= boxes;
  const int32_t row = static_cast<int32_t>(is_region ? i - boxes : i);
  const Box box = LoadBox((is_region ? truth.ignore_boxes : truth.boxes) + 4 * static_cast<int64_t>(row));
  if (!HasArea(box)) return;
  const float area = Area(box);
  const int32_t image = ImageOf(is_region ? truth.ignore_offsets : truth.offsets, truth.images, row);
  const int64_t first_bid = image * BidsOfImage(to.anchors.count);
  // With an IoU of `wanted` the box is content. Where it finds none it looks for less: for the best that it has seen,
  // or for half and then for ever smaller parts. Then it looks for those anchors alone that it keeps.
  bool bidding = !is_region;
  float wanted = is_region ? to.options.ignore_iof : threshold;
  if (bidding && to.options.allow_low_quality_matches) {
    const float nearest = IouOfNearest(to.anchors, box, area, shared);
    if (nearest > 0) wanted = Min(nearest, threshold);
  }
  for (float part = 2;;) {
    float highest = 0;
    const OverlapDemand demand = is_region ? DemandOfShare(wanted) : DemandOfIou(wanted, area);
    ForEachInReach(to.anchors, box, demand, queue, [&](bool there, int32_t a, const Box& anchor) {
      const float anchor_area = Area(anchor);
      if (is_region) {
        if (there && Intersection(box, anchor) / anchor_area >= wanted) Set(to.in_region, first_bid + a);
        return;
      }
      const float iou = there ? Iou(box, area, anchor, anchor_area) : 0;
      if (bidding) {
        highest = Max(iou, highest);
        if (iou >= threshold && iou > 0) atomicMax(to.bids + first_bid + a, BidOf(iou, row));
        return;
      }
      // Below the threshold not all boxes bid by themselves.
      const bool asks = iou == wanted && Set(to.kept, first_bid + a) && wanted < threshold;
      if (!__any_sync(kAllLanes, asks)) return;
      const Bid best = BestBid(truth, image, asks, anchor);
      if (asks) atomicMax(to.bids + first_bid + a, best);
    });
    if (!bidding) break;
    highest = BlockMax(highest, shared);
    if (!to.options.allow_low_quality_matches) break;
    if (highest >= wanted) {
      if (!(highest > 0)) break;
      bidding = false;
      wanted = highest;
    } else {
      wanted = Max(highest, wanted < kSmallestShare ? 0 : wanted / part);
      part *= 2;
    }
  }
}

// Each block takes one box or region, then another that nobody has taken: they differ in what they cost.
template <int kThreads>
__global__ void PlaceBids(Assignment to) {
  struct Shared {
    SearchQueue<kThreads> queue;
    Highest<kThreads> highest;
    int64_t next;
  };
  RN_SHARED(Shared, shared);
  const Truth& truth = to.truth;
  const int64_t regions = truth.ignore_offsets ? truth.ignore_offsets[truth.images] : 0;
  const int64_t all = truth.offsets[truth.images] + regions;
  for (int64_t i = blockIdx.x; i < all; i = shared.next) {
    PlaceBidsOf(to, i, shared.queue, shared.highest);
    __syncthreads();
    if (threadIdx.x == 0) shared.next = int64_t{gridDim.x} + atomicAdd(to.counters, 1u);
    __syncthreads();
  }
}

// By one warp; only its lane 0 has it.
__device__ double SumOfCounts(const unsigned long long* counts, int32_t images) {
  unsigned long long sum = 0;
  for (int32_t image = static_cast<int32_t>(threadIdx.x); image < images; image += kWarp) sum += __ldcg(counts + image);
  for (int step = kWarp / 2; step > 0; step /= 2) sum += __shfl_xor_sync(kAllLanes, sum, step);
  return static_cast<double>(sum);
}

constexpr int kAtOnce = 4;  // anchors of a thread
constexpr int kDecideThreads = 256, kDecideTile = kDecideThreads * kAtOnce;

// The first `count` of the values, at once where all are stored and the address allows it.
__device__ inline void Store(int32_t* to, int32_t count, const int32_t (&values)[kAtOnce]) {
  if (count >= kAtOnce && reinterpret_cast<uintptr_t>(to) % sizeof(int4) == 0) {
    *reinterpret_cast<int4*>(to) = make_int4(values[0], values[1], values[2], values[3]);
  } else {
    RN_UNROLL for (int k = 0; k < kAtOnce; ++k) {
      if (k < count) to[k] = values[k];
    }
  }
}

__global__ void Decide(Assignment to, int32_t tiles) {
  struct Shared {
    bool last;
  };
  RN_SHARED(Shared, shared);
  const int32_t image = static_cast<int32_t>(blockIdx.x) / tiles, tile = static_cast<int32_t>(blockIdx.x) % tiles;
  const int32_t first = tile * kDecideTile + static_cast<int32_t>(threadIdx.x) * kAtOnce;
  const int32_t first_row = to.truth.offsets[image];
  const bool any_box = to.truth.offsets[image + 1] > first_row;
  unsigned positives = 0;
  if (first < to.anchors.count) {
    const int64_t bid = image * BidsOfImage(to.anchors.count) + first;
    const unsigned shift = static_cast<unsigned>(first % kWarp);
    const unsigned kept = to.kept[bid / kWarp] >> shift;
    const unsigned in_region = to.in_region ? to.in_region[bid / kWarp] >> shift : 0;
    uint4 bids[kAtOnce / 2];
    RN_UNROLL for (int k = 0; k < kAtOnce / 2; ++k) bids[k] = reinterpret_cast<const uint4*>(to.bids + bid)[k];
    int32_t matches[kAtOnce], labels[kAtOnce];
    RN_UNROLL for (int k = 0; k < kAtOnce; ++k) {
      const uint4& two = bids[k / 2];
      const float iou = __uint_as_float(k % 2 == 0 ? two.y : two.w);
      const int32_t row = INT32_MAX - static_cast<int32_t>(k % 2 == 0 ? two.x : two.z);
      matches[k] = RN_LABEL_BACKGROUND;
      if ((any_box && iou >= to.options.negative_threshold) || (in_region >> k & 1)) matches[k] = RN_LABEL_IGNORED;
      if ((any_box && iou >= to.options.positive_threshold) || (kept >> k & 1)) matches[k] = iou > 0 ? row : first_row;
    }
    RN_UNROLL for (int k = 0; k < kAtOnce; ++k) {
      labels[k] = matches[k] >= 0 ? to.truth.labels[matches[k]] : matches[k];
    }
    RN_UNROLL for (int k = 0; k < kAtOnce; ++k) {
      if (matches[k] < 0) continue;
      if (labels[k] < 0 || labels[k] >= to.classes) {
        labels[k] = matches[k] = RN_LABEL_IGNORED;
      } else if (first + k < to.anchors.count) {
        ++positives;
        // Many threads may write this same number at once, which only volatile makes no race.
        if (to.gt_matched) static_cast<volatile uint8_t*>(to.gt_matched)[matches[k]] = 1;
      }
    }
    const int64_t at = static_cast<int64_t>(image) * to.anchors.count + first;
    Store(to.labels + at, to.anchors.count - first, labels);
    Store(to.matches + at, to.anchors.count - first, matches);
  }
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  if (__any_sync(kAllLanes, positives > 0)) {
    for (int step = kWarp / 2; step > 0; step /= 2) positives += __shfl_xor_sync(kAllLanes, positives, step);
    if (lane == 0) atomicAdd(to.positive_counts + image, static_cast<unsigned long long>(positives));
  }
  if (!to.num_positive || !IsLastBlock(to.counters + 1, shared.last) || threadIdx.x >= kWarp) return;
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
  const auto place = to.anchors.boxes ? PlaceBids<kListThreads> : PlaceBids<kGridThreads>;
  const int threads = to.anchors.boxes ? kListThreads : kGridThreads;
  Launch(device, ResidentBlocks(device, threads, place, INT32_MAX), threads, place, to);
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
    const int64_t all_bids = images * BidsOfImage(op.anchors.count);
    // What begins as zeros, then in one piece what the host reads.
    const auto layout = [&](Arena arena, Assignment& to) {
      to.bids = arena.Take<Bid>(all_bids);
      to.kept = arena.Take<unsigned>(all_bids / kWarp);
      if (op.truth.ignore_offsets) to.in_region = arena.Take<unsigned>(all_bids / kWarp);
      to.counters = arena.Take<unsigned>(2);
      to.positive_counts = arena.Take<unsigned long long>(images);
      to.gt_matched = arena.Take<uint8_t>(rows);
      return arena.used;
    };
    Assignment to{};
    Scratch<char> zeros(device, layout(Arena(), to));
    zeros.Clear();
    layout(Arena(zeros.get()), to);
    to.anchors = anchors;
    to.truth = TruthOf(arrays, op.truth);
    to.options = op.options;
    to.classes = INT32_MAX;
    to.groups = groups.get();
    to.labels = arrays.Out(op.labels, all);
    to.matches = arrays.Out(op.matches, all);
    QueueAssignment(device, to);
    if (op.tiles)
      std::fill_n(op.tiles, images * ((op.anchors.count + RN_TILE - 1) / RN_TILE), 1);  // all may have positives
    arrays.Finish();
    const auto* const found = reinterpret_cast<const char*>(to.positive_counts);
    const auto* const found_matched = reinterpret_cast<const char*>(to.gt_matched);
    std::vector<char> on_host(static_cast<size_t>(found_matched - found + rows));
    Download(device.stream, on_host.data(), found, static_cast<int64_t>(on_host.size()));
    const auto* const counts = reinterpret_cast<const int64_t*>(on_host.data());
    std::copy_n(counts, images, op.positive_counts);
    std::copy_n(on_host.data() + (found_matched - found), rows, op.gt_matched);
  });
}

}  // namespace rn::cuda
