// Stackful coroutines: what runs until it yields, and goes on where it stopped.
#ifndef RETINANET_OPS_EMULATOR_FIBER_H
#define RETINANET_OPS_EMULATOR_FIBER_H

#include <cstddef>

namespace emulator {

using FiberBody = void (*)(void* argument);

// A stack that fibers use one after the other. Start() and Resume() run the fiber until it yields or its body returns,
// and give back whether it has returned.
class Fiber {
 public:
  Fiber();
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  bool Start(FiberBody body, void* argument);
  bool Resume();
  // From inside the fiber that runs.
  static void Yield();

 private:
  struct Context;
  Context* context_;
};

}  // namespace emulator

#endif
