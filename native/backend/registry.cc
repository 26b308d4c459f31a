#include "registry.h"

#include "../cpu/cpu_backend.h"

namespace rn {

BackendState FindBackend(BackendId id) {
  switch (id) {
    case BackendId::kAuto:
    case BackendId::kCpu:
      if (const rn_backend* cpu = CpuBackend()) return {cpu, nullptr};
      return {nullptr, "RETINANET_OPS_CPU names an instruction set that is unknown or that this processor lacks"};
    case BackendId::kCuda:
      break;
  }
  return {nullptr, "no-library"};  // no CUDA plugin ships with this version
}

}  // namespace rn
