// Which backends exist in this process and which can be used.
#ifndef RETINANET_OPS_REGISTRY_H
#define RETINANET_OPS_REGISTRY_H

#include <cstdint>

#include "backend.h"

namespace rn {

enum class BackendId : int32_t { kCpu, kCuda };
// As lib/ names them.
constexpr const char* kBackendNames[] = {"cpu", "cuda"};

struct BackendState {
  const rn_backend* backend;  // null: unusable
  const char* reason;         // why it is unusable; of CUDA: CudaState::reason
};

BackendState FindBackend(BackendId id);

}  // namespace rn

#endif
