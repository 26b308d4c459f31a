#include <cstdio>
#include <cstring>

#include "context.h"
#include "support.h"

namespace rn::cuda {
namespace {

constexpr int kMostDevices = 64;

}  // namespace

rn_status StatusOf(const Failure& failure) {
  rn_status status{failure.error == cudaErrorMemoryAllocation ? RN_OUT_OF_MEMORY : RN_BACKEND_FAILURE, ""};
  if (status.code == RN_OUT_OF_MEMORY) {
    std::snprintf(status.message, sizeof status.message, "CUDA is out of memory (%s)", failure.call);
  } else {
    std::snprintf(status.message, sizeof status.message, "CUDA failed: %s (%s), in %s", cudaGetErrorName(failure.error),
                  cudaGetErrorString(failure.error), failure.call);
  }
  static_cast<void>(cudaGetLastError());  // has been told; a lost device tells it again by itself
  return status;
}

int Device::Count() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    return 0;
  }
  return count < kMostDevices ? count : kMostDevices;
}

Device& Device::Get(int32_t index) {
  static std::mutex mutex;
  static Device* devices[kMostDevices] = {};
  const std::lock_guard<std::mutex> lock(mutex);
  if (index < 0 || index >= Count()) throw Failure{cudaErrorInvalidDevice, "the choice of the device"};
  if (devices[index]) return *devices[index];
  cudaDeviceProp properties;
  RN_CUDA(cudaGetDeviceProperties(&properties, index));
  Check(RunsKernels(index), "the choice of the device");
  RN_CUDA(cudaSetDevice(index));
  auto* device = new Device;
  device->index = index;
  device->multiprocessors = properties.multiProcessorCount;
  device->threads_per_multiprocessor = properties.maxThreadsPerMultiProcessor;
  RN_CUDA(cudaStreamCreateWithFlags(&device->stream, cudaStreamNonBlocking));
  RN_CUDA(cudaStreamCreateWithFlags(&device->copy_out, cudaStreamNonBlocking));
  RN_CUDA(cudaDeviceGetDefaultMemPool(&device->pool, index));
  uint64_t keep_all = UINT64_MAX;
  RN_CUDA(cudaMemPoolSetAttribute(device->pool, cudaMemPoolAttrReleaseThreshold, &keep_all));
  return *(devices[index] = device);
}

Device& Device::Of(const rn_place& place) {
  return Get(place.memory == RN_DEVICE ? place.device : SupportHere().device);
}

}  // namespace rn::cuda
