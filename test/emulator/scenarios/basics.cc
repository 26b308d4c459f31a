// What works, and what a launch must not do.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <vector>

#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "scenarios.h"

namespace scenarios {
namespace {

constexpr unsigned kThreads = 256, kBlocks = 3;

void SumOfBlock(const float* in, float* out) {
  RN_SHARED(Numbers, numbers);
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  float sum = in[blockIdx.x * blockDim.x + threadIdx.x];
  for (int offset = 16; offset > 0; offset /= 2)
    sum += __shfl_down_sync(0xffffffffu, sum, static_cast<unsigned>(offset));
  if (lane == 0) numbers.value[warp] = sum;
  __syncthreads();
  if (warp == 0) {
    sum = lane < blockDim.x / 32 ? numbers.value[lane] : 0.0f;
    for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, offset);
    if (lane == 0) out[blockIdx.x] = sum;
  }
}

const Scenario sum("sum", [](cudaStream_t stream) {
  constexpr size_t elements = size_t{kBlocks} * kThreads;
  float *const device = Allocate(stream, elements), *const out = Allocate(stream, kBlocks);
  std::vector<float> host(elements);
  for (size_t i = 0; i < host.size(); ++i) host[i] = static_cast<float>(i % 7);
  cudaMemcpyAsync(device, host.data(), host.size() * sizeof(float), cudaMemcpyHostToDevice, stream);
  std::memset(host.data(), 0, host.size() * sizeof(float));  // the copy has been taken
  const cudaError_t error = Run(stream, kBlocks, kThreads, SumOfBlock, static_cast<const float*>(device), out);
  cudaMemcpyAsync(host.data(), out, kBlocks * sizeof(float), cudaMemcpyDeviceToHost, stream);
  for (unsigned b = 0; b < kBlocks; ++b) std::printf("%g ", static_cast<double>(host[b]));
  return error;
});

void Votes(float* out) {
  const bool odd = threadIdx.x % 2 == 1;
  const unsigned bits = __ballot_sync(0xffffffffu, odd);
  const int all = __syncthreads_and(threadIdx.x < blockDim.x), some = __syncthreads_or(threadIdx.x == 7);
  const int count = __syncthreads_count(odd);
  if (threadIdx.x == 0)
    *out = bits == 0xaaaaaaaau && all && some && count == static_cast<int>(blockDim.x / 2) ? 1.0f : 0.0f;
}

const Scenario votes("votes", [](cudaStream_t stream) {
  float* const out = Allocate(stream, 1);
  const cudaError_t error = Run(stream, 1, 64, Votes, out);
  std::printf("%g ", static_cast<double>(*out));
  return error;
});

bool HalvesRoundTrip() {
  for (unsigned bits = 0; bits < 0x10000u; ++bits) {
    const __half half{static_cast<unsigned short>(bits)};
    const __nv_bfloat16 brain{static_cast<unsigned short>(bits)};
    const float h = __half2float(half), b = __bfloat162float(brain);
    if (!std::isnan(h) && __float2half_rn(h).bits != bits) return false;
    if (!std::isnan(b) && __float2bfloat16_rn(b).bits != bits) return false;
  }
  // Ties go to even, in the subnormal range too.
  return __float2half_rn(1.00048828125f).bits == 0x3c00 && __float2half_rn(1.00146484375f).bits == 0x3c02 &&
         __float2half_rn(2.98023223876953125e-8f).bits == 0 && __float2bfloat16_rn(1.01171875f).bits == 0x3f82;
}

const Scenario halves("halves", [](cudaStream_t) {
  std::printf("%d ", HalvesRoundTrip());
  return cudaSuccess;
});

// How many of 1023 approximate reciprocals and powers are above and below the exact ones by more than rounding takes,
// and how many by more than one unit, or two, of the last place.
const Scenario approximate("approximate", [](cudaStream_t) {
  const auto compare = [](auto approximation, auto exactly, double unit, int most) {
    int above = 0, below = 0, beyond = 0;
    for (int i = 1; i < 1024; ++i) {
      const float a = 1 + static_cast<float>(i) * 0x1p-10f;
      const double units = (static_cast<double>(approximation(a)) - exactly(static_cast<double>(a))) / unit;
      above += units > 0.5;
      below += units < -0.5;
      beyond += std::fabs(units) > most;
    }
    std::printf("%d %d %d ", above, below, beyond);
  };
  compare([](float a) { return RN_RCP_APPROX(a); }, [](double a) { return 1 / a; }, 0x1p-24, 1);
  compare([](float a) { return RN_EX2_APPROX(a); }, [](double a) { return std::exp2(a); }, 0x1p-22, 2);
  return cudaSuccess;
});

const Scenario lazy("lazy", [](cudaStream_t stream) {
  void* pinned = nullptr;
  float* const out = Allocate(stream, 1);
  cudaHostAlloc(&pinned, sizeof(float), 0);
  cudaMemsetAsync(out, 0, sizeof(float), stream);
  cudaMemcpyAsync(pinned, out, sizeof(float), cudaMemcpyDeviceToHost, stream);
  const bool early = *static_cast<float*>(pinned) == 0.0f;
  const cudaError_t error = cudaStreamSynchronize(stream);
  std::printf("%d %d ", early, *static_cast<float*>(pinned) == 0.0f);
  cudaFreeHost(pinned);
  return error;
});

void OutOfBounds(float* out) { out[threadIdx.x + 1] = 0; }

const Scenario out_of_bounds("out-of-bounds", [](cudaStream_t stream) {
  return Run(stream, 1, kThreads, OutOfBounds, Allocate(stream, kThreads));
});

}  // namespace
}  // namespace scenarios
