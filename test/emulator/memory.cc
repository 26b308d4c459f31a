// Device memory and pinned memory, both from the heap.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "process.h"

using namespace emulator;

namespace {

constexpr size_t kDeviceBytes = size_t{8} << 30;

struct Allocation {
  size_t bytes;
  int device;  // -1: pinned host memory
  emulator_pool* pool;
};
std::map<const char*, Allocation> allocations;
int64_t device_bytes[16];

// The allocation that holds the address.
std::map<const char*, Allocation>::const_iterator Find(const void* pointer) {
  const char* address = static_cast<const char*>(pointer);
  auto after = allocations.upper_bound(address);
  if (after == allocations.begin()) return allocations.end();
  --after;
  return address < after->first + std::max<size_t>(1, after->second.bytes) ? after : allocations.end();
}

bool IsPageable(const void* pointer) { return Find(pointer) == allocations.end(); }

cudaError_t Allocate(void** pointer, size_t bytes, int device, emulator_pool* pool = nullptr) {
  *pointer = nullptr;
  if (sticky != cudaSuccess) return sticky;
  if (FailsNow("malloc")) return cudaErrorMemoryAllocation;
  void* memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (!memory) return cudaErrorMemoryAllocation;
  std::memset(memory, 0xcb, bytes);
  allocations[static_cast<char*>(memory)] = {bytes, device, pool};
  if (device >= 0) device_bytes[device] += static_cast<int64_t>(bytes);
  if (pool) pool->Take(static_cast<int64_t>(bytes));
  WatchMemory(memory, bytes, false);
  *pointer = memory;
  return cudaSuccess;
}

void Free(void* pointer) {
  const auto found = allocations.find(static_cast<char*>(pointer));
  if (found == allocations.end()) {
    std::fprintf(stderr, "emulator: free of memory that was never allocated, or freed before\n");
    std::abort();
  }
  const auto bytes = static_cast<int64_t>(found->second.bytes);
  if (found->second.device >= 0) device_bytes[found->second.device] -= bytes;
  if (found->second.pool) found->second.pool->Give(bytes);
  ForgetMemory(pointer, found->second.bytes);
  allocations.erase(found);
  std::free(pointer);
}

// CUDA would make memory a part of the graph, which then could not be launched anew before it is freed.
cudaError_t NoMemoryNodes(const emulator_stream& stream) {
  std::fprintf(stderr, "emulator: memory of a graph's own, which CUDA can have and the emulator cannot\n");
  return stream.capture->Invalidate(cudaErrorStreamCaptureUnsupported);
}

// The work of the current device's streams that are not being recorded.
void RunAll() {
  for (cudaStream_t stream : streams) {
    if (stream->device == current_device && !stream->capture) stream->RunTo(stream->queued);
  }
}

}  // namespace

int emulator::AddressRange(uintptr_t* base, size_t* bytes, uintptr_t pointer) {
  const Turn lock(turn);
  const void* address = nullptr;
  std::memcpy(&address, &pointer, sizeof address);
  const auto found = Find(address);
  if (found == allocations.end()) return 1;
  *base = reinterpret_cast<uintptr_t>(found->first);
  *bytes = found->second.bytes;
  return 0;
}

cudaError_t cudaMalloc(void** pointer, size_t bytes) {
  const Turn lock(turn);
  if (const cudaError_t error = AllowUnsafe()) return Remember(error);
  NeedContext();
  return Remember(Allocate(pointer, bytes, current_device));
}
cudaError_t cudaFree(void* pointer) {
  const Turn lock(turn);
  if (const cudaError_t error = AllowUnsafe()) return Remember(error);
  NeedContext();
  Trace("free");
  RunAll();  // CUDA waits for the device
  if (pointer) Free(pointer);
  return sticky;
}
cudaError_t cudaMallocFromPoolAsync(void** pointer, size_t bytes, cudaMemPool_t pool, cudaStream_t stream) {
  const Turn lock(turn);
  if (const cudaError_t error = CheckStream(stream)) return Remember(error);
  if (stream->capture) return Remember(NoMemoryNodes(*stream));
  return Remember(Allocate(pointer, bytes, stream->device, pool));
}
cudaError_t cudaMallocAsync(void** pointer, size_t bytes, cudaStream_t stream) {
  const Turn lock(turn);
  if (const cudaError_t error = CheckStream(stream)) return Remember(error);
  return cudaMallocFromPoolAsync(pointer, bytes, &DefaultPool(stream->device), stream);
}
cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) {
  const Turn lock(turn);
  if (const cudaError_t error = CheckStream(stream)) return Remember(error);
  if (stream->capture) return Remember(NoMemoryNodes(*stream));
  Trace("release");
  if (pointer) stream->Add([pointer] { Free(pointer); });
  return sticky;
}
cudaError_t cudaHostAlloc(void** pointer, size_t bytes, unsigned) {
  const Turn lock(turn);
  if (const cudaError_t error = AllowUnsafe()) return Remember(error);
  NeedContext();
  return Remember(Allocate(pointer, bytes, -1));
}
cudaError_t cudaFreeHost(void* pointer) { return cudaFree(pointer); }
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  const Turn lock(turn);
  *attributes = {};
  const auto found = Find(pointer);
  if (found == allocations.end()) return cudaSuccess;
  attributes->type = found->second.device < 0 ? cudaMemoryTypeHost : cudaMemoryTypeDevice;
  attributes->device = std::max(0, found->second.device);
  attributes->devicePointer = const_cast<void*>(pointer);
  attributes->hostPointer = found->second.device < 0 ? const_cast<void*>(pointer) : nullptr;
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  const Turn lock(turn);
  if (sticky != cudaSuccess) return Remember(sticky);
  if (const cudaError_t error = CheckStream(stream)) return Remember(error);
  if (bytes == 0) return cudaSuccess;
  const bool from_pageable = IsPageable(from), to_pageable = IsPageable(to);
  if (from_pageable && to_pageable) return Remember(cudaErrorInvalidValue);
  if (from_pageable && !stream->capture) {  // CUDA has read pageable memory when it returns
    const auto* bytes_of = static_cast<const char*>(from);
    auto copy = std::make_shared<std::vector<char>>(bytes_of, bytes_of + bytes);
    return stream->Add([=] { std::memcpy(to, copy->data(), bytes); });
  }
  const bool waits = to_pageable && !stream->capture;
  if (waits && stream->done < stream->queued) Wait(stream);
  const cudaError_t error = stream->Add([=] {
    if (sticky == cudaSuccess) std::memcpy(to, from, bytes);
  });
  if (!waits) return Remember(error);
  stream->RunTo(stream->queued);  // and written it
  return Remember(sticky);
}
cudaError_t cudaMemcpyPeerAsync(void* to, int to_device, const void* from, int from_device, size_t bytes,
                                cudaStream_t stream) {
  const Turn lock(turn);
  const auto there = Find(to), here = Find(from);
  if (there == allocations.end() || there->second.device != to_device) return Remember(cudaErrorInvalidValue);
  if (here == allocations.end() || here->second.device != from_device) return Remember(cudaErrorInvalidValue);
  return cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream);
}
// On the legacy stream.
cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind) {
  const Turn lock(turn);
  if (const cudaError_t error = AllowLegacyStream(current_device)) return Remember(error);
  if (const cudaError_t error = AllowUnsafe()) return Remember(error);
  for (cudaStream_t stream : streams) {
    if (stream->blocking && stream->device == current_device) stream->RunTo(stream->queued);
  }
  if (sticky == cudaSuccess) std::memcpy(to, from, bytes);
  return Remember(sticky);
}
cudaError_t cudaMemsetAsync(void* pointer, int value, size_t bytes, cudaStream_t stream) {
  const Turn lock(turn);
  if (sticky != cudaSuccess) return Remember(sticky);
  if (const cudaError_t error = CheckStream(stream)) return Remember(error);
  if (IsPageable(pointer)) return Remember(cudaErrorInvalidValue);
  return Remember(stream->Add([=] { std::memset(pointer, value, bytes); }));
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  const Turn lock(turn);
  *total = kDeviceBytes;
  *free = kDeviceBytes - static_cast<size_t>(device_bytes[current_device]);
  return Remember(sticky);
}
