// A block of threads and the grid of them. Every thread is a fiber that runs until it waits for others; a wait that can
// never end, threads that wait at different places of the source, or a thread that has left while others wait for it
// are reported as a failed launch.
#ifndef RETINANET_OPS_EMULATOR_BLOCK_H
#define RETINANET_OPS_EMULATOR_BLOCK_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

namespace emulator {

// Where the running thread is.
struct Place {
  uint3 thread, block;
  dim3 block_size, grid_size;
};
extern Place place;

// What is called, and in which line of a kernel's source.
struct Site {
  const char *what, *file;
  int line;
};

enum class Vote { kNone, kOr, kAnd, kCount };

// __syncthreads and its voting forms.
int Barrier(Site site, Vote vote, int predicate);

// What every lane of `mask` brings to a collective operation of the warp, once all have come, until the caller waits
// again; bits of absent lanes are garbage. Lanes that meet from different lines of the source, or in different
// collectives of one line, diverged. `orders_memory`: as __syncwarp alone does.
struct Lanes {
  uint64_t value[32];
  uint32_t present;
};
const Lanes& Exchange(Site site, uint32_t mask, uint64_t value, bool orders_memory = false);
unsigned Lane();

// The block's copy of a shared variable: filled with garbage, freed with the block.
void* Shared(size_t bytes, Site site);

// Lets others run, where a thread may be waiting for them in a loop.
void Pause();

// Ends the launch. Only from inside a thread, which never goes on.
[[noreturn]] void Fail(const std::string& what);

// What a device runs at once.
constexpr int kMultiprocessors = 3;  // odd: nothing may rely on a power of two
constexpr int kBlocksOfMultiprocessor = 2;

// Runs all blocks of a grid. Returns what went wrong, or "".
std::string RunGrid(dim3 grid, dim3 block, const std::function<void()>& thread);

}  // namespace emulator

inline const uint3& threadIdx = emulator::place.thread;
inline const uint3& blockIdx = emulator::place.block;
inline const dim3& blockDim = emulator::place.block_size;
inline const dim3& gridDim = emulator::place.grid_size;
constexpr int warpSize = 32;

#define EMULATOR_SITE(what) \
  ::emulator::Site { what, __FILE__, __LINE__ }
#define __syncthreads() \
  static_cast<void>(::emulator::Barrier(EMULATOR_SITE("__syncthreads"), ::emulator::Vote::kNone, 0))
#define __syncthreads_or(predicate) \
  ::emulator::Barrier(EMULATOR_SITE("__syncthreads_or"), ::emulator::Vote::kOr, predicate)
#define __syncthreads_and(predicate) \
  ::emulator::Barrier(EMULATOR_SITE("__syncthreads_and"), ::emulator::Vote::kAnd, predicate)
#define __syncthreads_count(predicate) \
  ::emulator::Barrier(EMULATOR_SITE("__syncthreads_count"), ::emulator::Vote::kCount, predicate)
#define RN_SHARED(Type, name) \
  Type& name = *static_cast<Type*>(::emulator::Shared(sizeof(Type), EMULATOR_SITE("shared memory")))

#endif
