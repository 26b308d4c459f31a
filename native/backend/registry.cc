#include "registry.h"

#include "../cpu/cpu_backend.h"
#include "cuda_loader.h"

namespace rn {

BackendState FindBackend(BackendId id) {
  if (id != BackendId::kCpu) {
    const CudaState& cuda = Cuda();
    if (!cuda.reason) return {cuda.plugin->operations, nullptr};
    if (id == BackendId::kCuda) return {nullptr, cuda.reason};
  }
  if (const rn_backend* cpu = CpuBackend()) return {cpu, nullptr};
  return {nullptr, "RETINANET_OPS_CPU names an instruction set that is unknown or that this processor lacks"};
}

}  // namespace rn
