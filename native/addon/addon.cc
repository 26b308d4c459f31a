#include "operation.h"

namespace rn::addon {
namespace {

Napi::Object Init(Napi::Env, Napi::Object exports) {
  exports.Set("fields", Napi::Object::New(exports.Env()));
  ExportFocalLoss(exports);
  ExportSmoothL1(exports);
  ExportAssign(exports);
  ExportBoxes(exports);
  ExportNms(exports);
  ExportDecodeDetections(exports);
  ExportRetinanetLoss(exports);
  ExportHardNegatives(exports);
  ExportDeviceMemory(exports);
  ExportDeviceInterop(exports);
  ExportRuntime(exports);
  return exports;
}

NODE_API_MODULE(retinanet_ops, Init)

}  // namespace
}  // namespace rn::addon
