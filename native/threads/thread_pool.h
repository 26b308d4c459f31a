// A process-wide pool. Work is cut into blocks whose boundaries depend on the problem alone, never on the number of
// threads: with sums kept per block, results have the same bits for every thread count.
#ifndef RETINANET_OPS_THREAD_POOL_H
#define RETINANET_OPS_THREAD_POOL_H

#include <cstdint>

namespace rn {

// Threads that ParallelFor may use, the calling one included. Default: the cores this process may run on, cgroup quota
// and affinity respected.
int NumThreads();
constexpr int kMaxThreads = 1024;
void SetNumThreads(int count);  // up to kMaxThreads
// At most so many for what the calling thread asks for, whatever the others may: for callers that share the cores out
// themselves.
void SetThreadsOfCaller(int count);
int DefaultNumThreads();

using BlockFunction = void (*)(void* context, int64_t block);
void RunBlocks(int64_t blocks, BlockFunction function, void* context);

// Calls body(block) for every block in [0, blocks), in any order, on several threads, and returns when all are done. If
// another caller occupies the pool, the calling thread does the work alone. `body` must not throw.
template <class Body>
void ParallelFor(int64_t blocks, const Body& body) {
  RunBlocks(
      blocks, [](void* context, int64_t block) { (*static_cast<const Body*>(context))(block); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

inline int64_t NumBlocks(int64_t items, int64_t per_block) { return (items + per_block - 1) / per_block; }

}  // namespace rn

#endif
