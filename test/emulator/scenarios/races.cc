// Threads of a block that share memory: with the barriers that they need, and without one of them.
#include <cstdint>
#include <cstdio>

#include "cuda_fp16.h"
#include "scenarios.h"

namespace scenarios {
namespace {

template <void (*kKernel)(float*)>
cudaError_t OneBlock(cudaStream_t stream) {
  float* const out = Allocate(stream, 256);
  cudaMemsetAsync(out, 0, 256 * sizeof *out, stream);
  return Run(stream, 1, 256, kKernel, out);
}

// Reads what a neighbour wrote, and writes what a neighbour read.
template <bool kFirst, bool kSecond>
void Neighbours(float* out) {
  RN_SHARED(Numbers, numbers);
  for (int round = 0; round < 2; ++round) {
    numbers.value[threadIdx.x] = static_cast<float>(threadIdx.x);
    if (kFirst) __syncthreads();
    out[threadIdx.x] = numbers.value[(threadIdx.x + 1) % blockDim.x];
    if (kSecond) __syncthreads();
  }
}
const Scenario neighbours("neighbours", OneBlock<Neighbours<true, true>>);
const Scenario read_too_early("read-too-early", OneBlock<Neighbours<false, true>>);
const Scenario written_too_early("written-too-early", OneBlock<Neighbours<true, false>>);

// The same in global memory, which a barrier orders as well.
template <bool kBarrier>
void InGlobalMemory(float* out) {
  out[threadIdx.x] = 1;
  if (kBarrier) __syncthreads();
  if (threadIdx.x == 5) out[7] += out[6];
}
const Scenario global_memory("global-memory", OneBlock<InGlobalMemory<true>>);
const Scenario global_memory_race("global-memory-race", OneBlock<InGlobalMemory<false>>);

// Lanes of a warp: a shuffle brings them together and orders no memory.
template <bool kSyncWarp>
void LanesShare(float* out) {
  RN_SHARED(Numbers, numbers);
  numbers.value[threadIdx.x] = 1;
  float sum = __shfl_xor_sync(0xffffffffu, 1.0f, 1);
  if (kSyncWarp) __syncwarp();
  sum += numbers.value[threadIdx.x ^ 1];
  out[threadIdx.x] = sum;
}
const Scenario lanes("lanes", OneBlock<LanesShare<true>>);
const Scenario shuffle_only("shuffle-only", OneBlock<LanesShare<false>>);

// __syncwarp orders a warp, not its neighbour.
void OtherWarp(float* out) {
  RN_SHARED(Numbers, numbers);
  numbers.value[threadIdx.x] = 1;
  __syncwarp();
  out[threadIdx.x] = numbers.value[(threadIdx.x + 32) % blockDim.x];
}
const Scenario other_warp("other-warp", OneBlock<OtherWarp>);

// A counter that is added to atomically, and read.
template <bool kBarrier>
void Counter(float* out) {
  RN_SHARED(unsigned, count);
  if (threadIdx.x == 0) count = 0;
  __syncthreads();
  atomicAdd(&count, 1u);
  if (kBarrier) __syncthreads();
  out[threadIdx.x] = static_cast<float>(count);
}
const Scenario counter("counter", OneBlock<Counter<true>>);
const Scenario counter_read_too_early("counter-read-too-early", OneBlock<Counter<false>>);

// Neighbouring bytes, halves and vectors are different memory.
void Bytes(float* out) {
  auto* const bytes = reinterpret_cast<uint8_t*>(out);
  bytes[threadIdx.x] = 1;
  auto* const halves = reinterpret_cast<__half*>(out + 64);
  halves[threadIdx.x] = __float2half_rn(1);
  if (threadIdx.x < 4) reinterpret_cast<float4*>(out + 192)[threadIdx.x] = make_float4(1, 2, 3, 4);
  if (threadIdx.x >= 16 && threadIdx.x < 32) out[192 + threadIdx.x] = 1;
}
const Scenario bytes("bytes", OneBlock<Bytes>);

// The last number of a vector is also written alone.
void OverlappingVector(float* out) {
  if (threadIdx.x == 40) reinterpret_cast<float4*>(out)[0] = make_float4(1, 2, 3, 4);
  if (threadIdx.x == 41) out[3] = 4;
}
const Scenario overlapping_vector("overlapping-vector", OneBlock<OverlappingVector>);

// Reads what a neighbour writes without waiting for it: what it gets depends on the order.
const Scenario race("race", [](cudaStream_t stream) {
  float* const out = Allocate(stream, 256);
  const cudaError_t error = Run(stream, 1, 256, Neighbours<false, false>, out);
  int right = 0;
  for (unsigned i = 0; i < 256; ++i) right += out[i] == static_cast<float>((i + 1) % 256);
  std::printf("%d ", right);
  return error;
});

}  // namespace
}  // namespace scenarios
