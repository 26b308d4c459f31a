// Sums whose bits depend on the problem alone: every block sums a tile of it, then one block sums the tiles, both in a
// fixed order and in float64. Counts go the same way: below 2^53 they are exact.
#ifndef RETINANET_OPS_CUDA_REDUCE_H
#define RETINANET_OPS_CUDA_REDUCE_H

#include "launch.h"

namespace rn::cuda {

// The sum of what the kThreads threads of a block bring; only thread 0 has it. `values` is shared memory. A single warp
// adds: float64 is slow on many devices, and the other warps are free to go.
template <int kThreads>
__device__ double BlockSum(double (&values)[kThreads], double value) {
  static_assert(kThreads % kWarp == 0, "whole warps");
  values[threadIdx.x] = value;
  __syncthreads();
  if (threadIdx.x >= kWarp) return 0;
  double sum = 0;
  for (int i = static_cast<int>(threadIdx.x); i < kThreads; i += kWarp) sum += values[i];
  for (int distance = kWarp / 2; distance > 0; distance /= 2) sum += __shfl_down_sync(kAllLanes, sum, distance);
  return sum;
}

// Whether the caller's block is the last of its grid to come here: then it finds what all blocks have written before,
// if it reads with __ldcg. `arrived` is zero when the kernel starts, `last` shared memory; all threads come here.
__device__ inline bool IsLastBlock(unsigned* arrived, bool& last) {
  __syncthreads();
  if (threadIdx.x == 0) {
    __threadfence();  // here, between the barriers, so that both fences are the whole block's
    last = atomicAdd(arrived, 1u) == gridDim.x - 1;
    __threadfence();
  }
  __syncthreads();
  return last;
}

// The sums by tile, and where their sum goes; `out` null: nowhere.
struct Partials {
  const double* values;
  int64_t count;
  double* out;
};

// Of a block's threads, what other blocks have left; only thread 0 has it.
template <int kThreads>
__device__ double SumOf(const Partials& partials, double (&values)[kThreads]) {
  double sum = 0;
  for (int64_t i = threadIdx.x; i < partials.count; i += kThreads) sum += __ldcg(partials.values + i);
  return BlockSum<kThreads>(values, sum);
}

constexpr int kFinishThreads = 1024;

// Block 0 finishes `first`, block 1 `second`. A template only so that many sources may have it.
template <class = void>
__global__ void __launch_bounds__(kFinishThreads) FinishSums(Partials first, Partials second) {
  struct Shared {
    double values[kFinishThreads];
  };
  RN_SHARED(Shared, shared);
  const Partials partials = blockIdx.x == 0 ? first : second;
  const double sum = SumOf<kFinishThreads>(partials, shared.values);
  if (threadIdx.x == 0 && partials.out) *partials.out = sum;
}

inline void Finish(const Device& device, const Partials& first, const Partials& second = {nullptr, 0, nullptr}) {
  if (!first.out && !second.out) return;
  Launch(device, second.out ? 2 : 1, kFinishThreads, FinishSums<>, first, second);
}

}  // namespace rn::cuda

#endif
