// The bounds of a list's groups and clusters, with which boxes find their anchors (anchors.h).
#ifndef RETINANET_OPS_CUDA_ANCHOR_GROUPS_H
#define RETINANET_OPS_CUDA_ANCHOR_GROUPS_H

#include "anchors.h"

namespace rn::cuda {

template <class T>
__device__ inline T WarpMax(T value) {
  for (int step = kWarp / 2; step > 0; step /= 2) {
    const T other = __shfl_xor_sync(kAllLanes, value, step);
    if (other > value) value = other;
  }
  return value;
}

__device__ inline Box NoBox() { return {INFINITY, INFINITY, -INFINITY, -INFINITY}; }

__device__ inline Group WarpBounds(const Group& group) {
  const Box b = group.bounds;
  return {{-WarpMax(-b.x1), -WarpMax(-b.y1), WarpMax(b.x2), WarpMax(b.y2)},
          -WarpMax(-group.least_area),
          WarpMax(group.most_area)};
}

// A group a warp, a cluster a block.
template <class = void>
__global__ void BoundGroups(Anchors anchors, Group* groups) {
  struct Shared {
    Group groups[kWarp];
  };
  RN_SHARED(Shared, shared);
  const int thread = static_cast<int>(threadIdx.x), lane = thread % kWarp, warp = thread / kWarp;
  const int64_t a = static_cast<int64_t>(blockIdx.x) * kAnchorsOfCluster + thread;
  Group group{NoBox(), INFINITY, 0};
  if (a < anchors.count) {
    const Box box = LoadBox(anchors.boxes + 4 * a);
    if (HasArea(box)) group = {box, Area(box), Area(box)};
  }
  group = WarpBounds(group);
  if (lane == 0) shared.groups[warp] = group;
  if (lane == 0 && a < anchors.count) groups[a / kWarp] = group;
  __syncthreads();
  if (warp > 0) return;
  group = WarpBounds(shared.groups[lane]);
  if (lane == 0) groups[anchors.sources + static_cast<int32_t>(blockIdx.x)] = group;
}

}  // namespace rn::cuda

#endif
