// Which backends exist in this process and which can be used.
#ifndef RETINANET_OPS_REGISTRY_H
#define RETINANET_OPS_REGISTRY_H

#include <cstdint>

#include "backend.h"

namespace rn {

// The order is the wire format between lib/ and the addon.
enum class BackendId : int32_t { kCpu = 0, kCuda = 1 };

struct BackendState {
  const rn_backend* backend;  // null: unusable
  const char* reason;         // why it is unusable; of CUDA: CudaState::reason
};

BackendState FindBackend(BackendId id);

}  // namespace rn

#endif
