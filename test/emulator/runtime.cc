// Errors, devices, and failures on demand.
#include "runtime.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace emulator {

std::recursive_mutex turn;
cudaError_t sticky = cudaSuccess;
thread_local int current_device = 0;

namespace {

thread_local cudaError_t last = cudaSuccess;

bool DevicesAre(const char* what) {
  const char* wanted = std::getenv("RETINANET_OPS_EMULATOR_DEVICES");
  return wanted && std::strcmp(wanted, what) == 0;
}

}  // namespace

cudaError_t Remember(cudaError_t error) {
  if (error != cudaSuccess) last = error;
  return error;
}

bool FailsNow(const char* kind) {
  static std::string seen;
  static long left = 0;
  const char* wanted = std::getenv("RETINANET_OPS_EMULATOR_FAIL");
  const std::string value = wanted ? wanted : "";
  const size_t colon = value.find(':');
  if (value != seen) {
    seen = value;
    left = colon == std::string::npos ? 0 : std::atol(value.c_str() + colon + 1);
  }
  return colon != std::string::npos && value.compare(0, colon, kind) == 0 && left > 0 && --left == 0;
}

int DeviceCount() {
  const char* wanted = std::getenv("RETINANET_OPS_EMULATOR_DEVICES");
  return wanted ? std::min(16, std::atoi(wanted)) : 2;
}

cudaError_t KernelImage() {
  const char* old = std::getenv("RETINANET_OPS_EMULATOR_OLD_DEVICES");
  for (const char* at = old; at && *at; ++at) {
    char* end = nullptr;
    if (std::strtol(at, &end, 10) == current_device && end != at) return Remember(cudaErrorNoKernelImageForDevice);
    at = *end ? end : end - 1;
  }
  return cudaSuccess;
}

}  // namespace emulator

using namespace emulator;

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInitializationError:
      return "cudaErrorInitializationError";
    case cudaErrorInvalidConfiguration:
      return "cudaErrorInvalidConfiguration";
    case cudaErrorInsufficientDriver:
      return "cudaErrorInsufficientDriver";
    case cudaErrorNoDevice:
      return "cudaErrorNoDevice";
    case cudaErrorNoKernelImageForDevice:
      return "cudaErrorNoKernelImageForDevice";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorInvalidResourceHandle:
      return "cudaErrorInvalidResourceHandle";
    case cudaErrorIllegalState:
      return "cudaErrorIllegalState";
    case cudaErrorNotReady:
      return "cudaErrorNotReady";
    case cudaErrorLaunchOutOfResources:
      return "cudaErrorLaunchOutOfResources";
    case cudaErrorLaunchFailure:
      return "cudaErrorLaunchFailure";
    case cudaErrorStreamCaptureUnsupported:
      return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorStreamCaptureInvalidated:
      return "cudaErrorStreamCaptureInvalidated";
    case cudaErrorStreamCaptureMerge:
      return "cudaErrorStreamCaptureMerge";
    case cudaErrorStreamCaptureIsolation:
      return "cudaErrorStreamCaptureIsolation";
    case cudaErrorStreamCaptureImplicit:
      return "cudaErrorStreamCaptureImplicit";
    case cudaErrorCapturedEvent:
      return "cudaErrorCapturedEvent";
    case cudaErrorStreamCaptureWrongThread:
      return "cudaErrorStreamCaptureWrongThread";
    default:  // never given
      break;
  }
  return "unknown";
}
const char* cudaGetErrorString(cudaError_t error) { return cudaGetErrorName(error); }
cudaError_t cudaGetLastError() {
  const cudaError_t error = sticky != cudaSuccess ? sticky : last;
  last = cudaSuccess;
  return error;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = DevicesAre("no-driver") ? 0 : DevicesAre("old-driver") ? 11040 : 13000;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) {
  *count = 0;
  if (DevicesAre("no-driver") || DevicesAre("old-driver")) return Remember(cudaErrorInsufficientDriver);
  *count = DeviceCount();
  return *count > 0 ? cudaSuccess : Remember(cudaErrorNoDevice);
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (device < 0 || device >= DeviceCount()) return Remember(cudaErrorInvalidDevice);
  *properties = {};
  std::snprintf(properties->name, sizeof properties->name, "Emulated device %d", device);
  properties->totalGlobalMem = size_t{8} << 30;
  const char* capability = std::getenv("RETINANET_OPS_EMULATOR_CAPABILITY");
  properties->major = 9;
  if (capability) std::sscanf(capability, "%d.%d", &properties->major, &properties->minor);
  properties->multiProcessorCount = kMultiprocessors;
  properties->maxThreadsPerMultiProcessor = 2048;
  properties->l2CacheSize = 1 << 20;
  return cudaSuccess;
}
