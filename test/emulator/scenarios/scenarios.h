// Small kernels and programs, right ones and wrong ones, for test/cuda/emulator.test.ts. A file each kind.
#ifndef RETINANET_OPS_EMULATOR_SCENARIOS_H
#define RETINANET_OPS_EMULATOR_SCENARIOS_H

#include "cuda_runtime.h"

namespace scenarios {

// Registered by name; prints what it saw, and returns an error whose name is printed last.
struct Scenario {
  Scenario(const char* name, cudaError_t (*run)(cudaStream_t stream));
};

float* Allocate(cudaStream_t stream, size_t count);

template <class Kernel, class... Arguments>
cudaError_t Run(cudaStream_t stream, unsigned blocks, unsigned threads, Kernel kernel, Arguments... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(blocks);
  config.blockDim = dim3(threads);
  config.stream = stream;
  const cudaError_t error = cudaLaunchKernelEx(&config, kernel, arguments...);
  return error == cudaSuccess ? cudaStreamSynchronize(stream) : error;
}

struct Numbers {
  float value[256];
};

}  // namespace scenarios

#endif
