// What a process has of a device besides streams: contexts, which calls make without being asked, and memory pools. And
// a record of what the driver would do that others in the process notice.
#ifndef RETINANET_OPS_EMULATOR_PROCESS_H
#define RETINANET_OPS_EMULATOR_PROCESS_H

#include "runtime.h"

// Counts only: memory itself comes from the heap and goes back to it at once.
struct emulator_pool {
  int64_t used = 0, kept = 0;
  uint64_t threshold = 0;

  void Take(int64_t bytes);
  void Give(int64_t bytes);
  void Trim(uint64_t bytes);  // down to so many, used ones included
};

namespace emulator {

// Makes the current device's context where the thread has none.
void NeedContext();
emulator_pool& DefaultPool(int device);
// What a wait for a device's work does besides: pools give back what is above their threshold.
void AfterWait();
// A line in the file that RETINANET_OPS_EMULATOR_TRACE names.
constexpr int kUnsaid = -2, kNone = -1;
void Trace(const char* what, int device = kUnsaid);

}  // namespace emulator

#endif
