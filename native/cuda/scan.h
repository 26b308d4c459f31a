// Running sums over a warp and over a block.
#ifndef RETINANET_OPS_CUDA_SCAN_H
#define RETINANET_OPS_CUDA_SCAN_H

#include "launch.h"

namespace rn::cuda {

__device__ inline int Lane() { return static_cast<int>(threadIdx.x) % kWarp; }
__device__ inline int WarpOfBlock() { return static_cast<int>(threadIdx.x) / kWarp; }
// The lanes before the caller's.
__device__ inline unsigned LanesBefore() { return (1u << Lane()) - 1; }

// The sum of the values of the lanes up to the caller's, its own included.
template <class T>
__device__ T SumUpToLane(T value) {
  for (int step = 1; step < kWarp; step *= 2) {
    const T before = __shfl_up_sync(kAllLanes, value, static_cast<unsigned>(step));
    if (Lane() >= step) value += before;
  }
  return value;
}

// What SumBefore needs in shared memory.
template <class T>
struct BlockSums {
  T of_warp[kWarp];
};

// The sum of the values of the threads before the caller; `total` becomes that of all. Every thread of the block calls
// it; blocks of whole warps.
template <class T>
__device__ T SumBefore(T value, BlockSums<T>& sums, T& total) {
  const int warps = static_cast<int>(blockDim.x) / kWarp;
  const T up_to = SumUpToLane(value);
  __syncthreads();  // sums may still be read from the call before
  if (Lane() == kWarp - 1) sums.of_warp[WarpOfBlock()] = up_to;
  __syncthreads();
  if (WarpOfBlock() == 0) {
    const T of_warps = SumUpToLane(Lane() < warps ? sums.of_warp[Lane()] : T{});
    sums.of_warp[Lane()] = of_warps;
  }
  __syncthreads();
  total = sums.of_warp[warps - 1];
  return up_to - value + (WarpOfBlock() > 0 ? sums.of_warp[WarpOfBlock() - 1] : T{});
}

}  // namespace rn::cuda

#endif
