#include <algorithm>
#include <cstring>
#include <map>
#include <memory>

#include "../threads/thread_pool.h"
#include "pinned.h"
#include "transfer.h"

namespace rn::cuda {
namespace {

// Below this CUDA's own staging is as good on the way in, and it does not wait. On the way out so much shares one wait.
constexpr int64_t kSmallBytes = 64 << 10;
constexpr int kSlots = 3;  // one on its way in, one at work, one on its way out

// One turn of the ring: pinned memory by array, and what must be over before it is used again.
struct Slot {
  cudaEvent_t computed = nullptr, free = nullptr;
  struct Buffer {
    char* memory = nullptr;
    int64_t bytes = 0;
  };
  std::vector<Buffer> buffers;

  char* Pinned(size_t array, int64_t bytes) {
    if (buffers.size() <= array) buffers.resize(array + 1);
    Buffer& buffer = buffers[array];
    if (buffer.bytes < bytes) {
      const Buffer old = buffer;
      buffer = {};
      ReleasePinned(old.memory, old.bytes);
      const int64_t wanted = std::max(bytes, kPieceBytes);
      buffer = {static_cast<char*>(AllocatePinned(wanted)), wanted};
    }
    return buffer.memory;
  }
};

// A stream's slots, made when first needed and kept. Used by one thread at a time.
class Ring {
 public:
  static Ring& Of(cudaStream_t stream) {
    static std::mutex mutex;
    static auto* rings = new std::map<cudaStream_t, std::unique_ptr<Ring>>;
    const std::lock_guard<std::mutex> lock(mutex);
    std::unique_ptr<Ring>& ring = (*rings)[stream];
    if (!ring) {
      auto made = std::make_unique<Ring>();
      for (Slot& slot : made->slots_) {
        RN_CUDA(cudaEventCreateWithFlags(&slot.computed, kSleep));
        RN_CUDA(cudaEventCreateWithFlags(&slot.free, kSleep));
      }
      RN_CUDA(cudaEventCreateWithFlags(&made->arrived, kSleep));
      made->small = static_cast<char*>(AllocatePinned(kSmallBytes));
      ring = std::move(made);
    }
    return *ring;
  }

  // What is small on its way out, and the end of it.
  char* small = nullptr;
  cudaEvent_t arrived = nullptr;

  // The slot that was used longest ago, free again.
  Slot& Next() {
    Slot& slot = slots_[next_];
    next_ = (next_ + 1) % kSlots;
    Wait(slot.free);
    return slot;
  }

 private:
  Slot slots_[kSlots];
  int next_ = 0;
};

void CopyAsync(void* to, const void* from, int64_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  RN_CUDA(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), kind, stream));
}

// Between pageable and pinned memory. One thread alone is slower than the bus.
void CopyOnHost(void* to, const void* from, int64_t bytes) {
  constexpr int64_t kPerBlock = int64_t{512} << 10;
  ParallelFor(NumBlocks(bytes, kPerBlock), [&](int64_t block) {
    const int64_t at = block * kPerBlock;
    std::memcpy(static_cast<char*>(to) + at, static_cast<const char*>(from) + at,
                static_cast<size_t>(std::min(kPerBlock, bytes - at)));
  });
}

// What lies in a slot's pinned memory and belongs to the host.
struct Arrived {
  Slot* slot;
  struct Piece {
    void* to;
    const char* from;
    int64_t bytes;
  };
  std::vector<Piece> pieces;

  void Take() {
    if (!slot) return;
    Wait(slot->free);
    for (const Piece& piece : pieces) CopyOnHost(piece.to, piece.from, piece.bytes);
    slot = nullptr;
    pieces.clear();
  }
};

void DownloadInPieces(Ring& ring, cudaStream_t stream, void* to, const void* from, int64_t bytes) {
  Arrived arrived[kSlots] = {};
  int turn = 0;
  for (int64_t at = 0; at < bytes; at += kPieceBytes, turn = (turn + 1) % kSlots) {
    const int64_t piece = std::min(kPieceBytes, bytes - at);
    arrived[turn].Take();
    Slot& slot = ring.Next();
    char* const pinned = slot.Pinned(0, piece);
    CopyAsync(pinned, static_cast<const char*>(from) + at, piece, cudaMemcpyDeviceToHost, stream);
    RN_CUDA(cudaEventRecord(slot.free, stream));
    arrived[turn] = {&slot, {{static_cast<char*>(to) + at, pinned, piece}}};
  }
  for (int i = 0; i < kSlots; ++i) arrived[(turn + i) % kSlots].Take();
}

// Waits at the end of its life, however that comes: nothing may go on reading or writing the caller's memory.
class WaitForBoth {
 public:
  explicit WaitForBoth(Device& device) : device_(device) {}
  WaitForBoth(const WaitForBoth&) = delete;
  WaitForBoth& operator=(const WaitForBoth&) = delete;
  ~WaitForBoth() {
    try {
      const Event copied(device_.copy_out);
      RN_CUDA(cudaStreamWaitEvent(device_.stream, copied.get(), 0));
      Wait(device_.stream);
    } catch (const Failure&) {  // a lost device does nothing any more
    }
  }

 private:
  Device& device_;
};

}  // namespace

void Upload(Device& device, void* to, const void* from, int64_t bytes) {
  if (bytes <= kSmallBytes || IsPinned(from)) {
    if (bytes > 0) CopyAsync(to, from, bytes, cudaMemcpyHostToDevice, device.stream);
    return;
  }
  Ring& ring = Ring::Of(device.stream);
  for (int64_t at = 0; at < bytes; at += kPieceBytes) {
    const int64_t piece = std::min(kPieceBytes, bytes - at);
    Slot& slot = ring.Next();
    char* const pinned = slot.Pinned(0, piece);
    CopyOnHost(pinned, static_cast<const char*>(from) + at, piece);
    CopyAsync(static_cast<char*>(to) + at, pinned, piece, cudaMemcpyHostToDevice, device.stream);
    RN_CUDA(cudaEventRecord(slot.free, device.stream));
  }
}

void Download(cudaStream_t stream, const std::vector<HostCopy>& copies) {
  Ring& ring = Ring::Of(stream);
  std::vector<HostCopy> queued, small;  // small: from the ring's memory
  int64_t used = 0;
  for (const auto& [to, from, bytes] : copies) {
    if (bytes == 0) continue;
    if (bytes <= kSmallBytes - used) {
      queued.push_back({ring.small + used, from, bytes});
      small.push_back({to, ring.small + used, bytes});
      used += bytes;
    } else if (IsPinned(to)) {
      queued.push_back({to, from, bytes});
    } else {
      DownloadInPieces(ring, stream, to, from, bytes);
    }
  }
  for (const auto& [to, from, bytes] : queued) CopyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream);
  RN_CUDA(cudaEventRecord(ring.arrived, stream));
  Wait(ring.arrived);
  for (const auto& [to, from, bytes] : small) std::memcpy(to, from, static_cast<size_t>(bytes));
}

void StreamThrough(Device& device, const std::vector<HostArray>& arrays, int64_t items, int64_t items_per_chunk,
                   const ChunkWork& work) {
  const size_t count = arrays.size();
  const auto aligned = [](int64_t bytes) { return (bytes + 255) / 256 * 256; };
  const int64_t most = std::min(items, items_per_chunk);
  int64_t bytes = 0;
  std::vector<bool> direct(count);
  for (size_t i = 0; i < count; ++i) {
    if (!arrays[i].host) continue;
    bytes += aligned(most * arrays[i].item_bytes);
    direct[i] = IsPinned(arrays[i].host);
  }
  Ring& ring = Ring::Of(device.stream);
  const Scratch<char> scratch(device, kSlots * bytes);
  const WaitForBoth wait(device);
  Arrived arrived[kSlots] = {};
  std::vector<void*> pointers(count);
  int turn = 0;
  for (int64_t first = 0; first < items; first += items_per_chunk, turn = (turn + 1) % kSlots) {
    const int64_t chunk = std::min(items_per_chunk, items - first);
    arrived[turn].Take();
    Slot& slot = ring.Next();
    arrived[turn].slot = &slot;
    char* place = scratch.get() + turn * bytes;
    for (size_t i = 0; i < count; ++i) {
      pointers[i] = nullptr;
      if (!arrays[i].host) continue;
      pointers[i] = place;
      place += aligned(most * arrays[i].item_bytes);
      if (arrays[i].written) continue;
      const int64_t size = chunk * arrays[i].item_bytes;
      const char* from = static_cast<const char*>(arrays[i].host) + first * arrays[i].item_bytes;
      if (!direct[i]) {
        char* const pinned = slot.Pinned(i, size);
        CopyOnHost(pinned, from, size);
        from = pinned;
      }
      CopyAsync(pointers[i], from, size, cudaMemcpyHostToDevice, device.stream);
    }
    work(first, chunk, pointers.data());
    RN_CUDA(cudaEventRecord(slot.computed, device.stream));
    RN_CUDA(cudaStreamWaitEvent(device.copy_out, slot.computed, 0));
    for (size_t i = 0; i < count; ++i) {
      if (!arrays[i].host || !arrays[i].written) continue;
      const int64_t size = chunk * arrays[i].item_bytes;
      char* const home = static_cast<char*>(arrays[i].host) + first * arrays[i].item_bytes;
      char* const to = direct[i] ? home : slot.Pinned(i, size);
      CopyAsync(to, pointers[i], size, cudaMemcpyDeviceToHost, device.copy_out);
      if (!direct[i]) arrived[turn].pieces.push_back({home, to, size});
    }
    RN_CUDA(cudaEventRecord(slot.free, device.copy_out));
  }
  for (int i = 0; i < kSlots; ++i) arrived[(turn + i) % kSlots].Take();
}

}  // namespace rn::cuda
