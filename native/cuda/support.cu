#include <cstdio>

#include "context.h"
#include "support.h"

namespace rn::cuda {
namespace {

// What the runtime is asked about. It is compiled for the same devices as every other kernel.
__global__ void Probe() {}

rn_cuda_reason ReasonOf(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return RN_CUDA_USABLE;
    case cudaErrorInsufficientDriver:
    case cudaErrorCallRequiresNewerDriver:
    case cudaErrorUnsupportedPtxVersion:  // a newer driver would compile it
      return RN_CUDA_OLD_DRIVER;
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidDeviceFunction:
    case cudaErrorInvalidKernelImage:
    case cudaErrorInvalidPtx:
    case cudaErrorJitCompilerNotFound:
    case cudaErrorJitCompilationDisabled:
      return RN_CUDA_OLD_DEVICE;
    default:
      return RN_CUDA_NO_DEVICE;  // there, but not to be had: in exclusive use, broken
  }
}

// The reason of a count that failed.
rn_cuda_reason ReasonOfCount(cudaError_t error) {
  if (error == cudaErrorNoDevice) return RN_CUDA_NO_DEVICE;
  int driver = 0;
  static_cast<void>(cudaDriverGetVersion(&driver));  // 0 where there is none, of which CUDA says "insufficient" as well
  return error == cudaErrorInsufficientDriver && driver != 0 ? RN_CUDA_OLD_DRIVER : RN_CUDA_NO_DRIVER;
}

void Explain(Support* support, int32_t device, cudaError_t error) {
  cudaDeviceProp properties{};
  static_cast<void>(cudaGetDeviceProperties(&properties, device));
  std::snprintf(support->detail, sizeof support->detail, "device %d (%.100s, compute capability %d.%d): %.300s", device,
                properties.name, properties.major, properties.minor, cudaGetErrorString(error));
}

Support Ask() {
  Support support{RN_CUDA_NO_DEVICE, -1, ""};
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) {
    support.reason = ReasonOfCount(error);
    std::snprintf(support.detail, sizeof support.detail, "%s", cudaGetErrorString(error));
  }
  // Of several devices the first says why none can be used.
  for (int32_t device = 0; error == cudaSuccess && device < Device::Count(); ++device) {
    const cudaError_t answer = RunsKernels(device);
    if (answer == cudaSuccess) return {RN_CUDA_USABLE, device, ""};
    if (device > 0) continue;
    support.reason = ReasonOf(answer);
    Explain(&support, device, answer);
  }
  static_cast<void>(cudaGetLastError());
  return support;
}

}  // namespace

const Support& SupportHere() {
  static const Support support = Ask();
  return support;
}

cudaError_t RunsKernels(int32_t device) {
  int before = device;
  static_cast<void>(cudaGetDevice(&before));
  cudaError_t error = cudaSetDevice(device);
  cudaFuncAttributes attributes;
  if (error == cudaSuccess) error = cudaFuncGetAttributes(&attributes, Probe);
  if (before != device) static_cast<void>(cudaSetDevice(before));
  static_cast<void>(cudaGetLastError());
  return error;
}

}  // namespace rn::cuda
