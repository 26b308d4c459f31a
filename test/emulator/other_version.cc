// A CUDA plugin of another version of the package, which gives its table whatever it is asked for.
#include "../../native/backend/cuda_plugin.h"

namespace {
const rn_cuda_plugin plugin = [] {
  rn_cuda_plugin other{};
  other.abi_version = RN_ABI_VERSION + 1;
  return other;
}();
}  // namespace

extern "C" __attribute__((visibility("default"))) const rn_cuda_plugin* retinanet_ops_cuda_plugin(uint32_t) {
  return &plugin;
}
