// Starting kernels. Written against CUDA's API and, word for word, against the emulator of the tests.
#ifndef RETINANET_OPS_CUDA_LAUNCH_H
#define RETINANET_OPS_CUDA_LAUNCH_H

#include <algorithm>
#include <utility>

#include "context.h"

// A variable in the shared memory of a block.
#ifndef RN_SHARED
#define RN_SHARED(Type, name) __shared__ Type name
#endif

namespace rn::cuda {

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xffffffffu;

inline int64_t DivideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Queues `kernel` on `blocks` blocks; none, and nothing happens. Arguments are converted to the parameters' types.
template <class... Parameters, class... Arguments>
void Launch(const Device& device, int64_t blocks, int threads, void (*kernel)(Parameters...),
            Arguments&&... arguments) {
  if (blocks == 0) return;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(blocks), 1, 1);
  config.blockDim = dim3(static_cast<unsigned>(threads), 1, 1);
  config.stream = device.stream;
  RN_CUDA(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(std::forward<Arguments>(arguments))...));
}

// As many blocks as `work` needs, but no more than the device runs at once: for kernels that loop over a grid's stride.
template <class Kernel>
int64_t ResidentBlocks(const Device& device, int threads, Kernel kernel, int64_t work) {
  int per_multiprocessor = 0;
  RN_CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&per_multiprocessor, kernel, threads, 0));
  return std::min(work, static_cast<int64_t>(std::max(1, per_multiprocessor)) * device.multiprocessors);
}

}  // namespace rn::cuda

#endif
