// What boxes bid for anchors, and the search for the best bid.
#ifndef RETINANET_OPS_CUDA_BIDS_H
#define RETINANET_OPS_CUDA_BIDS_H

#include "anchor_groups.h"
#include "assign.h"

namespace rn::cuda {

// A bid holds the bits of its IoU, which order as non-negative floats do, and the complement of its row.
__device__ inline Bid BidOf(float iou, int32_t row) {
  return iou > 0 ? static_cast<Bid>(__float_as_uint(iou)) << 32 | static_cast<Bid>(INT32_MAX - row) : 0;
}

// offsets[image] <= row < offsets[image + 1], found by a warp.
__device__ inline int32_t ImageOf(const int32_t* offsets, int32_t images, int32_t row) {
  int32_t image = -1;
  for (int32_t first = 0; first < images; first += kWarp) {
    const int32_t i = first + static_cast<int32_t>(threadIdx.x % kWarp);
    const int begun = __popc(__ballot_sync(kAllLanes, i < images && offsets[i] <= row));
    image += begun;
    if (begun < kWarp) break;
  }
  return image;
}

template <int kThreads>
struct Highest {
  float of_warp[kThreads / kWarp];
};

template <int kThreads>
__device__ float BlockMax(float value, Highest<kThreads>& shared) {
  value = WarpMax(value);
  if (threadIdx.x % kWarp == 0) shared.of_warp[threadIdx.x / kWarp] = value;
  __syncthreads();
  value = 0;
  for (const float of_warp : shared.of_warp) value = Max(of_warp, value);
  __syncthreads();
  return value;
}

// What the box can reach at least: the IoU with those anchors of a grid that lie nearest to it. Its best anchor is
// hardly ever much better, so that few others have to be looked at.
template <int kThreads>
__device__ float IouOfNearest(const Anchors& anchors, const Box& box, float area, Highest<kThreads>& shared) {
  if (anchors.boxes) return 0;
  float highest = 0;
  for (int32_t i = static_cast<int32_t>(threadIdx.x); i < anchors.sources; i += kThreads) {
    const Box anchor = AnchorNear(anchors.lattices[i], (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2);
    highest = Max(Iou(box, area, anchor, Area(anchor)), highest);
  }
  return BlockMax(highest, shared);
}

// The best bid of all boxes of an image for the anchor of each lane that asks, found by a warp.
__device__ inline Bid BestBid(const Truth& truth, int32_t image, bool asks, const Box& anchor) {
  const float anchor_area = Area(anchor);
  const Box bounds = WarpBounds({asks ? anchor : NoBox(), 0, 0}).bounds;
  const int32_t end = truth.offsets[image + 1];
  Bid best = 0;
  for (int32_t first = truth.offsets[image]; first < end; first += kWarp) {
    const int32_t mine = first + static_cast<int32_t>(threadIdx.x % kWarp);
    const Box box = mine < end ? LoadBox(truth.boxes + 4 * static_cast<int64_t>(mine)) : NoBox();
    for (unsigned near = __ballot_sync(kAllLanes, Intersection(box, bounds) > 0); near; near &= near - 1) {
      const int one = __ffs(static_cast<int>(near)) - 1;
      const Box other{__shfl_sync(kAllLanes, box.x1, one), __shfl_sync(kAllLanes, box.y1, one),
                      __shfl_sync(kAllLanes, box.x2, one), __shfl_sync(kAllLanes, box.y2, one)};
      const Bid bid = BidOf(Iou(other, Area(other), anchor, anchor_area), first + one);
      if (bid > best) best = bid;
    }
  }
  return best;
}

// Whether the bit was not set before.
__device__ inline bool Set(unsigned* marks, int64_t bid) {
  const unsigned bit = 1u << bid % kWarp;
  return !(atomicOr(marks + bid / kWarp, bit) & bit);
}

}  // namespace rn::cuda

#endif
