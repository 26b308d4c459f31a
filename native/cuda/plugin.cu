// The plugin's entry: the table of operations, and the memory of the devices.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "context.h"
#include "cuda_backend.h"
#include "pinned.h"
#include "reads.h"
#include "support.h"
#include "transfer.h"

namespace rn::cuda {
namespace {

// Memory that overlaps goes through a copy.
void CopyWithin(Device& device, void* to, const void* from, int64_t bytes) {
  const auto queue = [&](void* there, const void* here) {
    RN_CUDA(cudaMemcpyAsync(there, here, static_cast<size_t>(bytes), cudaMemcpyDeviceToDevice, device.stream));
  };
  const auto distance = std::abs(static_cast<const char*>(to) - static_cast<const char*>(from));
  if (distance >= bytes) return queue(to, from);
  const Scratch<char> aside(device, bytes);
  queue(aside.get(), from);
  queue(to, aside.get());
}

rn_cuda_reason Present(const char** detail) {
  const Support& presence = PresenceHere();
  *detail = presence.detail;
  return presence.reason;
}

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

// Neither waits for its turn: this only asks, and takes back what is no longer used.
rn_status Memory(int32_t index, rn_device_memory* memory) {
  return Guarded([&] {
    Device& device = Device::Get(index);
    FreePinnedAside();
    const Current current(index);
    const std::lock_guard<std::mutex> lock(device.recording);
    device.ReleaseNow();
    *memory = {device.tensor_bytes, device.peak_bytes, device.pool.ReservedBytes(), device.pool.limit(), PinnedBytes()};
  });
}

rn_status SetLimit(int32_t index, int64_t bytes) {
  return Guarded([&] {
    const Turn turn({RN_DEVICE, index});
    turn.device.pool.SetLimit(bytes);
  });
}

rn_status Trim(int32_t index, int64_t bytes) {
  return Guarded([&] {
    const Turn turn({RN_DEVICE, index});
    turn.device.pool.Trim(bytes);
  });
}

rn_status Allocate(int32_t index, int64_t bytes, void** out) {
  return Guarded([&] {
    const Turn turn({RN_DEVICE, index});
    Device& device = turn.device;
    *out = bytes > 0 ? device.pool.Allocate(bytes) : nullptr;
    device.tensor_bytes += bytes;
    device.peak_bytes = std::max(device.peak_bytes.load(), device.tensor_bytes.load());
  });
}

rn_status Release(int32_t index, void* pointer, int64_t bytes) {
  return Guarded([&] {
    Device& device = Device::Get(index);
    device.tensor_bytes -= bytes;
    if (pointer) device.ReleaseLater(pointer);
  });
}

rn_status UploadTo(int32_t index, void* to, const void* from, int64_t bytes) {
  return Guarded([&] {
    std::unique_ptr<Queued> queued;
    {
      const Turn turn({RN_DEVICE, index});
      Upload(turn.device, to, from, bytes);
      if (IsPinned(from)) queued = std::make_unique<Queued>(turn.device);
    }
    if (queued) queued->Wait();  // the caller may write to it again
  });
}

rn_status BeginRead(int32_t index, const void* from, int64_t bytes, void** out) {
  return Guarded([&] { *out = new DeviceRead(Device::Get(index), from, bytes); });
}

rn_status FinishRead(void* read, void* to) {
  return Guarded([&] {
    const std::unique_ptr<DeviceRead> owned(static_cast<DeviceRead*>(read));
    if (to) owned->Finish(to);
    FreePinnedAside();
  });
}

rn_status DownloadFrom(int32_t index, void* to, const void* from, int64_t bytes) {
  return Guarded([&] { DeviceRead(Device::Get(index), from, bytes).Finish(to); });
}

// The stream of the source waits as well: what comes after may write there.
rn_status Copy(int32_t index, void* to, int32_t from_index, const void* from, int64_t bytes) {
  return Guarded([&] {
    const auto size = static_cast<size_t>(bytes);
    if (from_index == index) {
      const Turn turn({RN_DEVICE, index});
      return CopyWithin(turn.device, to, from, bytes);
    }
    Device& source = Device::Get(from_index);
    const Queued ready(source);
    const Turn turn({RN_DEVICE, index});
    RN_CUDA(cudaStreamWaitEvent(turn.device.stream, ready.event(), 0));
    RN_CUDA(cudaMemcpyPeerAsync(to, index, from, from_index, size, turn.device.stream));
    const Event copied(turn.device.stream);
    const Current current(from_index);
    const std::lock_guard<std::mutex> lock(source.recording);
    RN_CUDA(cudaStreamWaitEvent(source.stream, copied.get(), 0));
  });
}

rn_status Clear(int32_t index, void* pointer, int64_t bytes) {
  return Guarded([&] {
    const Turn turn({RN_DEVICE, index});
    if (bytes > 0) RN_CUDA(cudaMemsetAsync(pointer, 0, static_cast<size_t>(bytes), turn.device.stream));
  });
}

rn_status Locate(const void* pointer, int32_t* device, int64_t* bytes) {
  return Guarded([&] {
    const Current current(Device::Any());
    cudaPointerAttributes attributes{};
    if (cudaPointerGetAttributes(&attributes, pointer) != cudaSuccess) static_cast<void>(cudaGetLastError());
    const bool on_device = attributes.type == cudaMemoryTypeDevice || attributes.type == cudaMemoryTypeManaged;
    *device = on_device ? attributes.device : -1;
    *bytes = on_device ? RoomFrom(pointer) : -1;
  });
}

rn_status Synchronize(int32_t index) {
  return Guarded([&] { Queued(Device::Get(index)).Wait(); });
}

rn_status PinnedAllocate(int64_t bytes, void** out) {
  return Guarded([&] {
    const Current current(Device::Any());
    *out = AllocatePinned(bytes);
  });
}

rn_status PinnedRelease(void* pointer, int64_t bytes) {
  return Guarded([&] { ReleasePinnedLater(pointer, bytes); });
}

rn_status StreamOf(int32_t index, void** out) {
  return Guarded([&] { *out = Device::Get(index).stream; });
}

rn_status Record(int32_t index, void** out) {
  return Guarded([&] {
    Device& device = Device::Get(index);
    const Current current(index);
    const std::lock_guard<std::mutex> lock(device.recording);
    *out = Event(device.stream).Take();
  });
}

rn_status ReleaseEvent(int32_t index, void* event) {
  return Guarded([&] { Device::Get(index).ReleaseLater(static_cast<cudaEvent_t>(event)); });
}

rn_status WaitForEvent(int32_t index, void* event) {
  return Guarded([&] {
    const Turn turn({RN_DEVICE, index});
    RN_CUDA(cudaStreamWaitEvent(turn.device.stream, static_cast<cudaEvent_t>(event), 0));
  });
}

rn_status WaitForStream(int32_t index, void* stream) {
  return Guarded([&] {
    const Turn turn({RN_DEVICE, index});
    const auto theirs = static_cast<cudaStream_t>(stream);
    const Current current(theirs);
    RN_CUDA(cudaStreamWaitEvent(turn.device.stream, Event(theirs).get(), 0));
  });
}

const rn_backend operations = {
    RN_ABI_VERSION,
    "cuda",
    "",
#define RN_OPERATION(Name, name, parameters) Name,
#include "../backend/operations.def"
};

const rn_cuda_plugin plugin = {
    RN_ABI_VERSION, &operations,  Present, Unusable,     Versions,     DeviceCount,   DeviceInfo,
    Memory,         SetLimit,     Trim,    Allocate,     Release,      UploadTo,      BeginRead,
    FinishRead,     DownloadFrom, Copy,    Clear,        Locate,       Synchronize,   PinnedAllocate,
    PinnedRelease,  StreamOf,     Record,  ReleaseEvent, WaitForEvent, WaitForStream,
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
