// Small kernels, right ones and wrong ones, for test/cuda/emulator.test.ts: prints what the emulator made of them. And
// a sweep over more rows than a test can lay out, for test/mining.test.ts.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "../../native/math/hard_negatives.h"
#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "cuda_runtime.h"

namespace {

struct Numbers {
  float value[256];
};

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

void Votes(float* out) {
  const bool odd = threadIdx.x % 2 == 1;
  const unsigned bits = __ballot_sync(0xffffffffu, odd);
  const int all = __syncthreads_and(threadIdx.x < blockDim.x), some = __syncthreads_or(threadIdx.x == 7);
  const int count = __syncthreads_count(odd);
  if (threadIdx.x == 0)
    *out = bits == 0xaaaaaaaau && all && some && count == static_cast<int>(blockDim.x / 2) ? 1.0f : 0.0f;
}

// Reads what a neighbour writes without waiting for it.
void Race(float* out) {
  RN_SHARED(Numbers, numbers);
  numbers.value[threadIdx.x] = static_cast<float>(threadIdx.x);
  out[threadIdx.x] = numbers.value[(threadIdx.x + 1) % blockDim.x];
}

void DifferentBarriers(float*) {
  if (threadIdx.x % 2 == 0) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

void LeavesEarly(float*) {
  if (threadIdx.x == 3) return;
  __syncthreads();
}

void LaneMissing(float* out) {
  if (threadIdx.x != 5) *out = static_cast<float>(__ballot_sync(0xffffffffu, 1));
}

void OutOfBounds(float* out) { out[threadIdx.x + 1] = 0; }

float* Allocate(cudaStream_t stream, size_t count) {
  void* pointer = nullptr;
  if (cudaMallocAsync(&pointer, count * sizeof(float), stream) != cudaSuccess) {
    std::printf("no memory\n");
    std::exit(0);
  }
  return static_cast<float*>(pointer);
}

template <class Kernel, class... Arguments>
cudaError_t Run(cudaStream_t stream, unsigned blocks, unsigned threads, Kernel kernel, Arguments... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(blocks);
  config.blockDim = dim3(threads);
  config.stream = stream;
  const cudaError_t error = cudaLaunchKernelEx(&config, kernel, arguments...);
  return error == cudaSuccess ? cudaStreamSynchronize(stream) : error;
}

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

// floor(k / 1000 * count) for every k up to 5000 and counts up to 2^31, against integers.
void Products() {
  int64_t products = 0, wrong = 0;
  const auto compare = [&](int64_t k, int64_t count) {
    const int64_t exact = k * count / 1000;
    ++products;
    wrong += rn::FloorOfProduct(static_cast<double>(k) / 1000, count) != static_cast<double>(exact);
  };
  for (int64_t k = 0; k <= 5000; ++k) {
    for (int64_t count = 0; count <= 1000; ++count) compare(k, count);
    for (int64_t power = 1; power <= int64_t{1} << 31; power *= 2) {
      for (int64_t near = -20; near <= 20; ++near) compare(k, power * 999 / 1000 + near + 20);
    }
    for (int64_t count = (int64_t{1} << 31) - 2000; count <= int64_t{1} << 31; ++count) compare(k, count);
  }
  std::printf("%lld products, %lld wrong ", static_cast<long long>(products), static_cast<long long>(wrong));
}

}  // namespace

int main(int count, char** arguments) {
  const std::string scenario = count > 1 ? arguments[1] : "";
  cudaStream_t stream = nullptr;
  if (cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) != cudaSuccess) return 2;
  constexpr unsigned threads = 256, blocks = 3;
  constexpr size_t elements = size_t{blocks} * threads;
  float* const device = Allocate(stream, scenario == "out-of-bounds" ? threads : elements);
  float* const out = Allocate(stream, threads);
  cudaError_t error = cudaSuccess;
  if (scenario == "sum") {
    std::vector<float> host(elements);
    for (size_t i = 0; i < host.size(); ++i) host[i] = static_cast<float>(i % 7);
    cudaMemcpyAsync(device, host.data(), host.size() * sizeof(float), cudaMemcpyHostToDevice, stream);
    std::memset(host.data(), 0, host.size() * sizeof(float));  // the copy has been taken
    error = Run(stream, blocks, threads, SumOfBlock, static_cast<const float*>(device), out);
    cudaMemcpyAsync(host.data(), out, blocks * sizeof(float), cudaMemcpyDeviceToHost, stream);
    for (unsigned b = 0; b < blocks; ++b) std::printf("%g ", static_cast<double>(host[b]));
  } else if (scenario == "votes") {
    error = Run(stream, 1, 64, Votes, out);
    std::printf("%g ", static_cast<double>(*out));
  } else if (scenario == "halves") {
    std::printf("%d ", HalvesRoundTrip());
  } else if (scenario == "products") {
    Products();
  } else if (scenario == "lazy") {
    void* pinned = nullptr;
    cudaHostAlloc(&pinned, sizeof(float), 0);
    cudaMemsetAsync(out, 0, sizeof(float), stream);
    cudaMemcpyAsync(pinned, out, sizeof(float), cudaMemcpyDeviceToHost, stream);
    const bool early = *static_cast<float*>(pinned) == 0.0f;
    error = cudaStreamSynchronize(stream);
    std::printf("%d %d ", early, *static_cast<float*>(pinned) == 0.0f);
    cudaFreeHost(pinned);
  } else if (scenario == "graph") {
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal);
    cudaMemsetAsync(out, 0, sizeof(float), stream);
    cudaStreamEndCapture(stream, &graph);
    error = cudaGraphInstantiate(&executable, graph);
    const bool before = *out == 0.0f;
    cudaGraphLaunch(executable, stream);
    cudaStreamSynchronize(stream);
    std::printf("%d %d ", before, *out == 0.0f);
    cudaGraphExecDestroy(executable);
    cudaGraphDestroy(graph);
  } else if (scenario == "race") {
    error = Run(stream, 1, threads, Race, out);
    int right = 0;
    for (unsigned i = 0; i < threads; ++i) right += out[i] == static_cast<float>((i + 1) % threads);
    std::printf("%d ", right);
  } else if (scenario == "different-barriers") {
    error = Run(stream, 1, threads, DifferentBarriers, out);
  } else if (scenario == "leaves-early") {
    error = Run(stream, 1, threads, LeavesEarly, out);
  } else if (scenario == "lane-missing") {
    error = Run(stream, 1, threads, LaneMissing, out);
  } else if (scenario == "out-of-bounds") {
    error = Run(stream, 1, threads, OutOfBounds, device);
  } else {
    std::printf("no such scenario ");
    return 2;
  }
  std::printf("%s\n", cudaGetErrorName(error));
  cudaFree(device);
  cudaFree(out);
  cudaStreamDestroy(stream);
  return 0;
}
