// Memory for the time of a call.
#ifndef RETINANET_OPS_CPU_SCRATCH_H
#define RETINANET_OPS_CPU_SCRATCH_H

#include <atomic>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "../threads/thread_pool.h"

namespace rn::cpu {

// Floats of arbitrary content, since to clear what is written anyway would take as long as some convolutions; aligned
// for every vector, which otherwise would lie in two lines of the cache. What is let go is kept for the next call up to
// a limit: pages that the system has taken back cost it more than a small convolution takes.
class ScratchFloats {
 public:
  ScratchFloats() = default;
  explicit ScratchFloats(int64_t count);  // throws std::bad_alloc
  ~ScratchFloats();
  ScratchFloats(ScratchFloats&& other) noexcept { *this = std::move(other); }
  ScratchFloats& operator=(ScratchFloats&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  float* get() const { return data_; }

 private:
  float* data_ = nullptr;
  int64_t capacity_ = 0;
};

// Memory for every thread that works on a call; it goes with the call.
class BlockScratch {
 public:
  explicit BlockScratch(int64_t floats) : used_(static_cast<size_t>(floats > 0 ? NumThreads() : 0)) {
    for (size_t i = 0; i < used_.size(); ++i) memory_.emplace_back(floats);
  }

  // One thread's, for a block's time. There may be more threads than when the call began: then it waits.
  class Lease {
   public:
    explicit Lease(BlockScratch& scratch) : scratch_(scratch), index_(scratch.Take()) {}
    ~Lease() {
      if (index_ < scratch_.used_.size()) scratch_.used_[index_].store(false, std::memory_order_release);
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    float* get() const { return index_ < scratch_.memory_.size() ? scratch_.memory_[index_].get() : nullptr; }

   private:
    BlockScratch& scratch_;
    size_t index_;
  };

 private:
  size_t Take() {
    while (!used_.empty()) {
      for (size_t i = 0; i < used_.size(); ++i) {
        if (!used_[i].exchange(true, std::memory_order_acquire)) return i;
      }
      std::this_thread::yield();
    }
    return 0;
  }

  std::vector<std::atomic<bool>> used_;
  std::vector<ScratchFloats> memory_;
};

}  // namespace rn::cpu

#endif
