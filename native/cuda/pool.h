// A device's memory, handed out and taken back in the order of its stream: what has been released serves again at once,
// for work that is queued later.
#ifndef RETINANET_OPS_CUDA_POOL_H
#define RETINANET_OPS_CUDA_POOL_H

#include <cuda_runtime.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>

namespace rn::cuda {

// A pool of CUDA's, our own: the device's default one belongs to everybody in the process. Where the device has no
// pools, blocks of cudaMalloc, which are kept and used again; they go back to the system when somebody asks for memory,
// since that waits for the device.
class Pool {
 public:
  // Of the current device. Throws Failure, as all but Release does.
  void Open(int device, cudaStream_t stream);
  void* Allocate(int64_t bytes);
  void Release(void* pointer) noexcept;
  int64_t ReservedBytes();  // handed out or kept
  // Of what it keeps besides what is handed out; kNoLimit at first.
  int64_t limit() const { return limit_; }
  void SetLimit(int64_t bytes);
  // Gives back to the system what is free now, down to so many reserved bytes.
  void Trim(int64_t bytes);

  static constexpr int64_t kNoLimit = INT64_MAX;

 private:
  void* AllocateBlock(size_t bytes);
  void TrimBlocks(int64_t bytes);

  cudaStream_t stream_ = nullptr;
  cudaMemPool_t pool_ = nullptr;  // null: blocks
  std::atomic<int64_t> limit_{kNoLimit};

  std::mutex mutex_;  // of what follows
  std::map<void*, size_t> used_;
  std::multimap<size_t, void*> free_;
  int64_t used_bytes_ = 0, free_bytes_ = 0;
};

}  // namespace rn::cuda

#endif
