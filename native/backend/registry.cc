#include "registry.h"

#include "../cpu/cpu_backend.h"

namespace rn {

BackendState FindBackend(BackendId id) {
  switch (id) {
    case BackendId::kAuto:
    case BackendId::kCpu:
      return {CpuBackend(), nullptr};
    case BackendId::kCuda:
      break;
  }
  return {nullptr, "no-library"};  // no CUDA plugin ships with this version
}

}  // namespace rn
