// Opens the CUDA plugin.
#ifndef RETINANET_OPS_CUDA_LOADER_H
#define RETINANET_OPS_CUDA_LOADER_H

#include <string>

#include "cuda_plugin.h"

namespace rn {

struct CudaState {
  const rn_cuda_plugin* plugin;  // null: none was opened
  const char* reason;            // why CUDA is unusable, by its public name ("no-library", "old-driver", ...); or null
  int32_t device;                // the first that runs the plugin's kernels
  std::string detail;            // the reason in the words of the loader or of CUDA
};

// Decided once per process, on the first call. The library is the one that the environment variable
// RETINANET_OPS_CUDA_LIBRARY names, else the one beside the addon. It is never closed: its streams and what a finalizer
// still has to release outlive every JavaScript thread.
const CudaState& Cuda();

}  // namespace rn

#endif
