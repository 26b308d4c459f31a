// Bytes between host and device. Memory that is not pinned passes through pinned buffers in pieces.
#ifndef RETINANET_OPS_CUDA_TRANSFER_H
#define RETINANET_OPS_CUDA_TRANSFER_H

#include <functional>
#include <vector>

#include "context.h"

namespace rn::cuda {

// Queues a copy to the device. `from` may be reused on return unless it is pinned memory.
void Upload(Device& device, void* to, const void* from, int64_t bytes);

// Copies to the host, after what was queued before on the stream: the device's `stream` in its turn, or its `reads`,
// which one thread uses at a time. `to` has the bytes on return.
struct HostCopy {
  void* to;
  const void* from;
  int64_t bytes;
};
void Download(cudaStream_t stream, const std::vector<HostCopy>& copies);
inline void Download(cudaStream_t stream, void* to, const void* from, int64_t bytes) {
  Download(stream, {{to, from, bytes}});
}

// A host array that an operation reads, or writes, item by item. Null: absent.
struct HostArray {
  void* host;
  int64_t item_bytes;
  bool written;
};
template <class T>
HostArray Read(const T* host, int64_t values_per_item = 1) {
  return {const_cast<T*>(host), values_per_item * static_cast<int64_t>(sizeof(T)), false};
}
template <class T>
HostArray Written(T* host, int64_t values_per_item = 1) {
  return {host, values_per_item * static_cast<int64_t>(sizeof(T)), true};
}

// Calls work(first, count, pointers) for one chunk of items after the other; `pointers` are the device's copies of the
// arrays' chunks, in the order of the arrays. Uploads, work and downloads of different chunks overlap; device memory is
// a few chunks. Everything is done on return.
using ChunkWork = std::function<void(int64_t first, int64_t count, void* const* pointers)>;
void StreamThrough(Device& device, const std::vector<HostArray>& arrays, int64_t items, int64_t items_per_chunk,
                   const ChunkWork& work);

// Pageable memory passes through in pieces of this size; no pinned buffer is smaller.
constexpr int64_t kPieceBytes = int64_t{4} << 20;

}  // namespace rn::cuda

#endif
