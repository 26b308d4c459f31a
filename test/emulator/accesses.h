// The memory of accesses that races are found in.
#ifndef RETINANET_OPS_EMULATOR_ACCESSES_H
#define RETINANET_OPS_EMULATOR_ACCESSES_H

#include "races.h"

namespace emulator {

// The thread of a kernel that runs.
struct Running {
  Clock* clock;
  uint32_t block, thread;
};
extern Running running;
extern uint32_t launch_start;  // whatever happened before is known

// A kernel's thread runs on this thread of the process. A library that is loaded late has little room for such
// variables.
extern thread_local bool watching __attribute__((tls_model("initial-exec")));

constexpr uint64_t NameOfBlock(uint32_t block) { return uint64_t{block} << 11; }  // then its up to 1024 threads

enum class Kind { kRead, kWrite, kAtomic };
void Touch(const volatile void* address, size_t bytes, Kind kind, const void* code);
// What an atomic operation at the place passes on between fences.
void PassOnAtomically(const volatile void* place);

}  // namespace emulator

#endif
