// Whether CUDA can be used in this process, and on which device: what the runtime says, asked and not guessed.
#ifndef RETINANET_OPS_CUDA_SUPPORT_H
#define RETINANET_OPS_CUDA_SUPPORT_H

#include <cuda_runtime.h>

#include <cstdint>

#include "../backend/cuda_plugin.h"

namespace rn::cuda {

struct Support {
  rn_cuda_reason reason;
  int32_t device;  // the first that runs our kernels
  char detail[512];
};

// Decided once a process. Makes a context on the devices up to the first that runs our kernels.
const Support& SupportHere();

// cudaSuccess where the library has machine code for the device, or the driver compiles it.
cudaError_t RunsKernels(int32_t device);

}  // namespace rn::cuda

#endif
