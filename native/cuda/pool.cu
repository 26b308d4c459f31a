#include <algorithm>
#include <iterator>

#include "context.h"
#include "pool.h"

namespace rn::cuda {
namespace {

constexpr size_t kBlockStep = 512;

uint64_t Threshold(int64_t limit) { return limit == Pool::kNoLimit ? UINT64_MAX : static_cast<uint64_t>(limit); }

}  // namespace

void Pool::Open(int device, cudaStream_t stream) {
  stream_ = stream;
  int supported = 0;
  RN_CUDA(cudaDeviceGetAttribute(&supported, cudaDevAttrMemoryPoolsSupported, device));
  if (!supported) return;
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.handleTypes = cudaMemHandleTypeNone;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = device;
  RN_CUDA(cudaMemPoolCreate(&pool_, &properties));
  SetLimit(kNoLimit);
}

void* Pool::Allocate(int64_t bytes) {
  const auto size = static_cast<size_t>(bytes);
  if (!pool_) return AllocateBlock(std::max(size, size_t{1}));
  void* pointer = nullptr;
  RN_CUDA(cudaMallocFromPoolAsync(&pointer, size, pool_, stream_));
  return pointer;
}

void Pool::Release(void* pointer) noexcept {
  if (pool_) {
    static_cast<void>(cudaFreeAsync(pointer, stream_));
    return;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto block = used_.find(pointer);
  const size_t size = block->second;
  used_.erase(block);
  free_.emplace(size, pointer);
  used_bytes_ -= static_cast<int64_t>(size);
  free_bytes_ += static_cast<int64_t>(size);
}

int64_t Pool::ReservedBytes() {
  if (!pool_) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return used_bytes_ + free_bytes_;
  }
  uint64_t reserved = 0;
  RN_CUDA(cudaMemPoolGetAttribute(pool_, cudaMemPoolAttrReservedMemCurrent, &reserved));
  return static_cast<int64_t>(reserved);
}

void Pool::SetLimit(int64_t bytes) {
  limit_ = bytes;
  uint64_t threshold = Threshold(bytes);
  if (pool_) RN_CUDA(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &threshold));
}

void Pool::Trim(int64_t bytes) {
  if (pool_) {
    RN_CUDA(cudaMemPoolTrimTo(pool_, static_cast<size_t>(bytes)));
    return;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  TrimBlocks(bytes);
}

// One that is free and not too large, else a new one.
void* Pool::AllocateBlock(size_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const size_t wanted = (bytes + kBlockStep - 1) / kBlockStep * kBlockStep;
  const auto fits = free_.lower_bound(wanted);
  void* pointer = nullptr;
  size_t size = wanted;
  if (fits != free_.end() && fits->first / 2 <= wanted) {
    size = fits->first;
    pointer = fits->second;
    free_.erase(fits);
    free_bytes_ -= static_cast<int64_t>(size);
  } else {
    if (limit_ - used_bytes_ < free_bytes_) TrimBlocks(limit_);
    if (cudaMalloc(&pointer, size) != cudaSuccess) {
      static_cast<void>(cudaGetLastError());
      TrimBlocks(0);
      RN_CUDA(cudaMalloc(&pointer, size));
    }
  }
  used_.emplace(pointer, size);
  used_bytes_ += static_cast<int64_t>(size);
  return pointer;
}

// cudaFree waits for the device by itself: what is free here may still be in use there.
void Pool::TrimBlocks(int64_t bytes) {
  while (!free_.empty() && used_bytes_ + free_bytes_ > bytes) {
    const auto largest = std::prev(free_.end());
    const size_t size = largest->first;
    void* const pointer = largest->second;
    free_.erase(largest);
    free_bytes_ -= static_cast<int64_t>(size);
    RN_CUDA(cudaFree(pointer));
  }
}

}  // namespace rn::cuda
