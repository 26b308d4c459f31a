#include "registry.h"

#include "../cpu/cpu_backend.h"
#include "cuda_loader.h"

namespace rn {

BackendState FindBackend(BackendId id) {
  if (id == BackendId::kCuda) {
    const CudaState& cuda = Cuda();
    return {cuda.reason ? nullptr : cuda.plugin->operations, cuda.reason};
  }
  if (const rn_backend* cpu = CpuBackend()) return {cpu, nullptr};
  return {nullptr, "RETINANET_OPS_CPU names an instruction set that is unknown or that this processor lacks"};
}

}  // namespace rn
