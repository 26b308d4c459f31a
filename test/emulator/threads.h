// A block's threads while they run (block.cc), for the grid that runs them (grid.cc).
#ifndef RETINANET_OPS_EMULATOR_THREADS_H
#define RETINANET_OPS_EMULATOR_THREADS_H

#include <memory>
#include <string>
#include <vector>

#include "block.h"
#include "fiber.h"
#include "races.h"

namespace emulator {

enum class State { kNew, kReady, kAtBarrier, kInWarp, kDone };

struct Thread {
  State state = State::kNew;
  Fiber* fiber = nullptr;
  Site site{};  // where it waits
  Vote vote = Vote::kNone;
  int predicate = 0, verdict = 0;
  unsigned pauses = 0;  // since it last met others
};

// The lanes of one mask that meet.
struct Meeting {
  uint32_t mask, arrived;
  Site site;
  Lanes coming, met;
};

struct SharedVariable {
  Site site;
  std::unique_ptr<char[]> memory;
  size_t bytes;
};

// A fault unwinds nothing: fibers that wait are abandoned, their stacks used again.
struct Block {
  Block(unsigned block_index, size_t size)
      : index(block_index), threads(size), warps((size + 31) / 32), clocks(block_index, size) {}
  // Gives the threads' stacks and the shared memory back.
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  // Runs one thread until it waits for others, the next in `order`; or opens the barrier where all wait.
  void Step(const std::vector<size_t>& order, const std::function<void()>& body);

  unsigned index;
  std::vector<Thread> threads;
  std::vector<std::vector<Meeting>> warps;
  std::vector<SharedVariable> shared;
  size_t shared_bytes = 0;
  BlockClocks clocks;
  size_t position = 0;  // in the order
  bool ran = false;     // a thread in this round
  bool done = false;

 private:
  void Run(size_t thread, const std::function<void()>& body);
  void EndRound();
  void OpenBarrier();
  std::string WhyStuck() const;
};

extern std::string fault;   // of the launch
extern bool pauses_always;  // not only where a loop takes long
std::string Name(Site site);

}  // namespace emulator

#endif
