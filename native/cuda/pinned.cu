#include <atomic>
#include <thread>
#include <vector>

#include "context.h"
#include "pinned.h"

namespace rn::cuda {
namespace {

std::atomic<int64_t> pinned_bytes{0};

struct Pinned {
  void* pointer;
  int64_t bytes;
};
struct Released {
  std::mutex mutex;
  std::vector<Pinned> pinned;
  bool is_being_freed = false;
};
Released& ReleasedPinned() {
  static auto* released = new Released;  // never destroyed: a finalizer may come while the process ends
  return *released;
}

// Whether there was something to free.
bool FreePinned() {
  std::vector<Pinned> now;
  {
    Released& released = ReleasedPinned();
    const std::lock_guard<std::mutex> lock(released.mutex);
    now.swap(released.pinned);
    if (now.empty()) released.is_being_freed = false;
  }
  for (const Pinned& pinned : now) {
    pinned_bytes -= pinned.bytes;
    static_cast<void>(cudaFreeHost(pinned.pointer));  // of a lost device nothing is left
  }
  return !now.empty();
}

}  // namespace

void* AllocatePinned(int64_t bytes) {
  static_cast<void>(FreePinned());
  void* memory = nullptr;
  if (bytes > 0) RN_CUDA(cudaHostAlloc(&memory, static_cast<size_t>(bytes), cudaHostAllocPortable));
  pinned_bytes += bytes;
  return memory;
}

void ReleasePinned(void* pointer, int64_t bytes) {
  pinned_bytes -= bytes;
  if (pointer) RN_CUDA(cudaFreeHost(pointer));
}

void ReleasePinnedLater(void* pointer, int64_t bytes) {
  Released& released = ReleasedPinned();
  const std::lock_guard<std::mutex> lock(released.mutex);
  released.pinned.push_back({pointer, bytes});
}

void FreePinnedAside() {
  Released& released = ReleasedPinned();
  const std::lock_guard<std::mutex> lock(released.mutex);
  if (released.pinned.empty() || released.is_being_freed) return;
  const int32_t device = Device::Any();
  std::thread([device] {
    static_cast<void>(Guarded([device] {
      const Current current(device);
      while (FreePinned()) {
      }
    }));
  }).detach();
  released.is_being_freed = true;
}

int64_t PinnedBytes() { return pinned_bytes.load(); }

bool IsPinned(const void* pointer) {
  cudaPointerAttributes attributes{};
  if (cudaPointerGetAttributes(&attributes, pointer) == cudaSuccess) return attributes.type == cudaMemoryTypeHost;
  static_cast<void>(cudaGetLastError());
  return false;
}

}  // namespace rn::cuda
