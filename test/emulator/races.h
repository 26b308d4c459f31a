// Races: two threads touch the same memory, one of them writes, not both atomically, and nothing orders them. Looked
// for in the build that defines EMULATOR_RACES, whose kernels the compiler instruments as for ThreadSanitizer, but
// whose order is CUDA's: __syncthreads orders a block, __syncwarp lanes (shuffles and votes do not), and between blocks
// only fence, atomic operation on the one side, atomic operation on the same place, fence on the other. Volatile
// accesses count as atomic ones. The order in which threads happen to run does not matter.
#ifndef RETINANET_OPS_EMULATOR_RACES_H
#define RETINANET_OPS_EMULATOR_RACES_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace emulator {

enum class Scope { kBlock, kDevice };

#ifdef EMULATOR_RACES

#define EMULATOR_UNWATCHED __attribute__((no_sanitize("thread"), noinline))

// Up to which of their own times threads, and whole blocks, are known to another: sorted by whom.
class Known {
 public:
  using Entry = std::pair<uint64_t, uint32_t>;
  void Add(uint64_t whom, uint32_t time);
  void Add(const Known& other);
  uint32_t Of(uint64_t whom) const;
  bool IsEmpty() const { return entries_.empty(); }

 private:
  std::vector<Entry> entries_;
};

struct Clock {
  uint32_t now;      // of what the thread does
  uint32_t barrier;  // what its block did before is known
  Known known;       // of others
  // By scope: what an atomic operation would publish, and what the next fence would learn.
  Known published[2], learnt[2];
};

// The clocks of a block's threads.
class BlockClocks {
 public:
  BlockClocks(unsigned block, size_t size);
  void Enter(size_t thread);  // which runs from now on
  void Leave();
  void Barrier();
  void SyncWarp(size_t first, uint32_t lanes);

 private:
  unsigned block_;
  std::vector<Clock> clocks_;
};

void BeginGrid();
void OrderMemory(Scope scope);  // a fence
void TouchAtomically(const volatile void* address, size_t bytes, const void* code);
// Device memory, and shared memory, which is new within a launch.
void WatchMemory(const void* memory, size_t bytes, bool is_new);
void ForgetMemory(const void* memory, size_t bytes);
// The two lines of source that race, after a fault that says so.
std::string RacingSources();

#else

#define EMULATOR_UNWATCHED

struct BlockClocks {
  BlockClocks(unsigned, size_t) {}
  void Enter(size_t) {}
  void Leave() {}
  void Barrier() {}
  void SyncWarp(size_t, uint32_t) {}
};
inline void BeginGrid() {}
inline void OrderMemory(Scope) {}
inline void TouchAtomically(const volatile void*, size_t, const void*) {}
inline void WatchMemory(const void*, size_t, bool) {}
inline void ForgetMemory(const void*, size_t) {}
inline std::string RacingSources() { return ""; }

#endif

}  // namespace emulator

#endif
