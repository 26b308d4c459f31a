#include "operation.h"

namespace rn::addon {
namespace {

constexpr Binding kOperations[] = {
#define RN_OPERATION(Name, name, parameters) {#Name, Read##Name, Binding::kOnEither},
#define RN_STEP(Name, name, parameters)
#define RN_CPU_OPERATION(Name, parameters) {#Name, Read##Name, Binding::kOnCpu},
#include "../backend/operations.def"
};

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("fields", Napi::Object::New(env));
  for (const Binding& operation : kOperations) Export(exports, operation);
  ExportDeviceMemory(exports);
  ExportDeviceInterop(exports);
  ExportRuntime(exports);
  return exports;
}

NODE_API_MODULE(retinanet_ops, Init)

}  // namespace
}  // namespace rn::addon
