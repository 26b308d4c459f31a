// The plugin's entry: the table of operations, and the memory of the devices.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "context.h"
#include "cuda_backend.h"
#include "support.h"
#include "transfer.h"

namespace rn::cuda {
namespace {

rn_cuda_reason Unusable(int32_t* device, const char** detail) {
  const Support& support = SupportHere();
  *device = support.device;
  *detail = support.detail;
  return support.reason;
}

void Versions(int32_t* driver, int32_t* runtime) {
  int versions[2] = {0, 0};
  static_cast<void>(cudaDriverGetVersion(&versions[0]));
  static_cast<void>(cudaRuntimeGetVersion(&versions[1]));
  *driver = versions[0];
  *runtime = versions[1];
}

int32_t DeviceCount() { return Device::Count(); }

rn_status DeviceInfo(int32_t device, rn_device_info* info) {
  return Guarded([&] {
    cudaDeviceProp properties;
    RN_CUDA(cudaGetDeviceProperties(&properties, device));
    *info = {};
    std::snprintf(info->name, sizeof info->name, "%s", properties.name);
    info->compute_major = properties.major;
    info->compute_minor = properties.minor;
    info->multiprocessors = properties.multiProcessorCount;
    info->total_bytes = static_cast<int64_t>(properties.totalGlobalMem);
  });
}

rn_status Memory(int32_t index, rn_device_memory* memory) {
  return Guarded([&] {
    const Turn turn({RN_DEVICE, index});
    uint64_t reserved = 0;
    RN_CUDA(cudaMemPoolGetAttribute(turn.device.pool, cudaMemPoolAttrReservedMemCurrent, &reserved));
    *memory = {turn.device.tensor_bytes, turn.device.peak_bytes, static_cast<int64_t>(reserved), PinnedBytes()};
  });
}

rn_status Allocate(int32_t index, int64_t bytes, void** out) {
  return Guarded([&] {
    const Turn turn({RN_DEVICE, index});
    Device& device = turn.device;
    *out = nullptr;
    if (bytes > 0) RN_CUDA(cudaMallocAsync(out, static_cast<size_t>(bytes), device.stream));
    device.tensor_bytes += bytes;
    device.peak_bytes = std::max(device.peak_bytes, device.tensor_bytes);
  });
}

rn_status Release(int32_t index, void* pointer, int64_t bytes) {
  return Guarded([&] {
    const Turn turn({RN_DEVICE, index});
    turn.device.tensor_bytes -= bytes;
    if (pointer) RN_CUDA(cudaFreeAsync(pointer, turn.device.stream));
  });
}

rn_status UploadTo(int32_t index, void* to, const void* from, int64_t bytes) {
  return Guarded([&] {
    const Turn turn({RN_DEVICE, index});
    Upload(turn.device, to, from, bytes);
    if (IsPinned(from)) RN_CUDA(cudaStreamSynchronize(turn.device.stream));  // the caller may write to it again
  });
}

// Waits for the work before without the turn: other threads go on queueing meanwhile.
void WaitForQueued(int32_t index) {
  cudaEvent_t event = nullptr;
  {
    const Turn turn({RN_DEVICE, index});
    RN_CUDA(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    static_cast<void>(cudaEventRecord(event, turn.device.stream));
  }
  const cudaError_t error = cudaEventSynchronize(event);
  static_cast<void>(cudaEventDestroy(event));
  Check(error, "waiting for the device");
}

rn_status DownloadFrom(int32_t index, void* to, const void* from, int64_t bytes) {
  return Guarded([&] {
    WaitForQueued(index);
    const Turn turn({RN_DEVICE, index});
    Download(turn.device, to, from, bytes);
    RN_CUDA(cudaStreamSynchronize(turn.device.stream));
  });
}

rn_status Copy(int32_t index, void* to, const void* from, int64_t bytes) {
  return Guarded([&] {
    const Turn turn({RN_DEVICE, index});
    RN_CUDA(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyDeviceToDevice, turn.device.stream));
  });
}

rn_status Clear(int32_t index, void* pointer, int64_t bytes) {
  return Guarded([&] {
    const Turn turn({RN_DEVICE, index});
    if (bytes > 0) RN_CUDA(cudaMemsetAsync(pointer, 0, static_cast<size_t>(bytes), turn.device.stream));
  });
}

rn_status Synchronize(int32_t index) {
  return Guarded([&] { WaitForQueued(index); });
}

rn_status PinnedAllocate(int64_t bytes, void** out) {
  return Guarded([&] { *out = AllocatePinned(bytes); });
}

rn_status PinnedRelease(void* pointer, int64_t bytes) {
  return Guarded([&] { ReleasePinned(pointer, bytes); });
}

rn_status StreamOf(int32_t index, void** out) {
  return Guarded([&] { *out = Turn({RN_DEVICE, index}).device.stream; });
}

const rn_backend operations = {
    RN_ABI_VERSION, "cuda",      "",        FocalLoss, SmoothL1, GridBoxes,        Assign,        PositiveTargets,
    EncodeBoxes,    DecodeBoxes, ClipBoxes, BoxIou,    Nms,      DecodeDetections, RetinanetLoss, SelectHardNegatives,
};

const rn_cuda_plugin plugin = {
    RN_ABI_VERSION, &operations,  Unusable, Versions, DeviceCount, DeviceInfo,     Memory,        Allocate, Release,
    UploadTo,       DownloadFrom, Copy,     Clear,    Synchronize, PinnedAllocate, PinnedRelease, StreamOf,
};

}  // namespace
}  // namespace rn::cuda

#if defined(_WIN32)
#define RN_EXPORT extern "C" __declspec(dllexport)
#else
#define RN_EXPORT extern "C" __attribute__((visibility("default")))
#endif

RN_EXPORT const rn_cuda_plugin* retinanet_ops_cuda_plugin(uint32_t abi_version) {
  return abi_version == RN_ABI_VERSION ? &rn::cuda::plugin : nullptr;
}
