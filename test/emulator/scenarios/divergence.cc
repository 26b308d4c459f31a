// Threads that wait for others in vain.
#include "scenarios.h"

namespace scenarios {
namespace {

template <void (*kKernel)(float*)>
cudaError_t OneBlock(cudaStream_t stream) {
  return Run(stream, 1, 256, kKernel, Allocate(stream, 256));
}

void DifferentBarriers(float*) {
  if (threadIdx.x % 2 == 0) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}
const Scenario different_barriers("different-barriers", OneBlock<DifferentBarriers>);

// On one line. A block's threads would wait for each other, and get garbage.
void DifferentBarriersOfALine(float* out) {
  out[threadIdx.x] = 0;
  if (threadIdx.x % 2 == 0 ? (__syncthreads(), false) : __syncthreads_or(1) != 0) out[threadIdx.x] = 1;
}
const Scenario different_barriers_of_a_line("different-barriers-of-a-line", OneBlock<DifferentBarriersOfALine>);

void LeavesEarly(float*) {
  if (threadIdx.x == 3) return;
  __syncthreads();
}
const Scenario leaves_early("leaves-early", OneBlock<LeavesEarly>);

void LaneMissing(float* out) {
  if (threadIdx.x != 5) *out = static_cast<float>(__ballot_sync(0xffffffffu, 1));
}
const Scenario lane_missing("lane-missing", OneBlock<LaneMissing>);

void LaneElsewhere(float*) {
  if (threadIdx.x == 37) __syncthreads();
  __syncwarp();
  __syncthreads();
}
const Scenario lane_elsewhere("lane-elsewhere", OneBlock<LaneElsewhere>);

// The same kind of collective, from two branches.
void DifferentShuffles(float* out) {
  float value = 1;
  if (threadIdx.x % 2 == 0) {
    value = __shfl_xor_sync(0xffffffffu, value, 1);
  } else {
    value = __shfl_xor_sync(0xffffffffu, value, 1);
  }
  out[threadIdx.x] = value;
}
const Scenario different_shuffles("different-shuffles", OneBlock<DifferentShuffles>);

// Another kind on the same line.
void DifferentKinds(float* out) {
  out[threadIdx.x] =
      threadIdx.x % 2 == 0 ? __shfl_xor_sync(0xffffffffu, 1.0f, 1) : static_cast<float>(__ballot_sync(0xffffffffu, 1));
}
const Scenario different_kinds("different-kinds", OneBlock<DifferentKinds>);

void DifferentMasks(float*) { __syncwarp(threadIdx.x % 2 == 0 ? 0xffffffffu : 0xfffffff0u | 1u << threadIdx.x % 32); }
const Scenario different_masks("different-masks", OneBlock<DifferentMasks>);

void NotOfTheMask(float*) { __syncwarp(0x55555555u); }
const Scenario not_of_the_mask("not-of-the-mask", OneBlock<NotOfTheMask>);

// Two halves of a warp, each with its own mask, from two lines: nobody waits for the other half.
void Halves(float* out) {
  float value = static_cast<float>(threadIdx.x);
  if (threadIdx.x % 32 < 16) {
    value = __shfl_down_sync(0x0000ffffu, value, 1u, 16);
  } else {
    value = __shfl_down_sync(0xffff0000u, value, 1u, 16);
  }
  out[threadIdx.x] = value;
}
const Scenario halves_of_a_warp("halves-of-a-warp", OneBlock<Halves>);

// What a lane beyond the mask has is garbage.
void BeyondTheMask(float* out) {
  const float value = threadIdx.x < 16 ? __shfl_xor_sync(0x0000ffffu, 1.0f, 16) : 1.0f;
  *out = value;
}
const Scenario beyond_the_mask("beyond-the-mask", [](cudaStream_t stream) {
  float* const out = Allocate(stream, 1);
  const cudaError_t error = Run(stream, 1, 16, BeyondTheMask, out);
  return *out == 1.0f ? cudaErrorInvalidValue : error;
});

void WaitsForEver(unsigned* flag) {
  while (atomicAdd(flag, 0u) == 0) {
  }
}
const Scenario waits_for_ever("waits-for-ever", [](cudaStream_t stream) {
  float* const flag = Allocate(stream, 1);
  cudaMemsetAsync(flag, 0, sizeof *flag, stream);
  return Run(stream, 1, 1, WaitsForEver, reinterpret_cast<unsigned*>(flag));
});

}  // namespace
}  // namespace scenarios
