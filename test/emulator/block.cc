#include "block.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "fiber.h"

namespace emulator {

Place place;

namespace {

constexpr size_t kSharedLimit = 48 << 10;

enum class State { kNew, kReady, kAtBarrier, kInWarp, kDone };

struct Thread {
  State state = State::kNew;
  Fiber* fiber = nullptr;
  Site site{};
  Vote vote = Vote::kNone;
  int predicate = 0, verdict = 0;
};

// The lanes of one mask that meet.
struct Meeting {
  uint32_t mask, arrived;
  int kind;
  Lanes coming, met;
};

struct SharedVariable {
  Site site;
  std::unique_ptr<char[]> memory;
};

// The fault unwinds nothing: fibers that wait are abandoned, their stacks used again.
struct Block {
  const std::function<void()>* body = nullptr;
  std::vector<Thread> threads;
  std::vector<std::vector<Meeting>> warps;
  std::vector<SharedVariable> shared;
  size_t shared_bytes = 0;
  size_t current = 0;
  std::string fault;
};

Block block;
std::vector<std::unique_ptr<Fiber>> all_fibers;
std::vector<Fiber*> idle_fibers;

std::string Name(Site site) {
  const char* slash = std::strrchr(site.file, '/');
  return std::string(slash ? slash + 1 : site.file) + ":" + std::to_string(site.line);
}

// Ends the launch. Only from inside a fiber, which never goes on.
void Fail(const std::string& what) {
  if (block.fault.empty()) {
    block.fault = what + " (block " + std::to_string(place.block.x) + ", thread " + std::to_string(block.current) + ")";
  }
  for (;;) Fiber::Yield();
}

Fiber* TakeFiber() {
  if (idle_fibers.empty()) {
    all_fibers.push_back(std::make_unique<Fiber>());
    return all_fibers.back().get();
  }
  Fiber* fiber = idle_fibers.back();
  idle_fibers.pop_back();
  return fiber;
}

void Run(size_t index) {
  Thread& thread = block.threads[index];
  block.current = index;
  place.thread = {static_cast<unsigned>(index), 0, 0};
  bool done;
  if (thread.state == State::kNew) {
    thread.fiber = TakeFiber();
    thread.state = State::kReady;
    done = thread.fiber->Start([](void* body) { (*static_cast<const std::function<void()>*>(body))(); },
                               const_cast<std::function<void()>*>(block.body));
  } else {
    done = thread.fiber->Resume();
  }
  if (!done) return;
  thread.state = State::kDone;
  idle_fibers.push_back(thread.fiber);
}

void Wait(State state) {
  const size_t self = block.current;
  block.threads[self].state = state;
  Fiber::Yield();
}

// Opens the barrier where everybody waits at the same one. Returns a fault or "".
std::string OpenBarrier() {
  const Thread& first = block.threads[0];
  int sum = 0;
  for (const Thread& thread : block.threads) {
    if (thread.state == State::kDone) return "a thread has left the kernel while others wait in __syncthreads";
    if (thread.state == State::kInWarp) return "some threads wait in __syncthreads, others for lanes of their warp";
    if (thread.site.line != first.site.line || std::strcmp(thread.site.file, first.site.file) != 0) {
      return "threads wait in different __syncthreads: " + Name(first.site) + " and " + Name(thread.site);
    }
    sum += thread.predicate != 0;
  }
  const int all = static_cast<int>(block.threads.size());
  for (Thread& thread : block.threads) {
    thread.verdict = thread.vote == Vote::kOr ? sum > 0 : thread.vote == Vote::kAnd ? sum == all : sum;
    thread.state = State::kReady;
  }
  return "";
}

std::vector<size_t> Order(size_t count) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  const char* wanted = std::getenv("RETINANET_OPS_EMULATOR_ORDER");
  static std::mt19937 random(1);
  if (wanted && std::strcmp(wanted, "reverse") == 0) std::reverse(order.begin(), order.end());
  if (wanted && std::strcmp(wanted, "shuffled") == 0) {
    for (size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  }
  return order;
}

std::string RunBlock(const std::vector<size_t>& order) {
  for (Thread& thread : block.threads) thread = Thread{};
  for (std::vector<Meeting>& warp : block.warps) warp.clear();
  block.shared.clear();
  block.shared_bytes = 0;
  for (;;) {
    bool ran = false, live = false, at_barrier = false;
    for (const size_t index : order) {
      const State state = block.threads[index].state;
      if (state == State::kNew || state == State::kReady) {
        Run(index);
        if (!block.fault.empty()) return block.fault;
        ran = true;
      }
    }
    for (const Thread& thread : block.threads) {
      live |= thread.state != State::kDone;
      at_barrier |= thread.state == State::kAtBarrier;
    }
    if (!live) return "";
    if (ran) continue;
    if (!at_barrier) return "lanes wait for others of their warp that never come";
    std::string fault = OpenBarrier();
    if (!fault.empty()) return fault;
  }
}

}  // namespace

int Barrier(Site site, Vote vote, int predicate) {
  const size_t self = block.current;
  block.threads[self].site = site;
  block.threads[self].vote = vote;
  block.threads[self].predicate = predicate;
  Wait(State::kAtBarrier);
  return block.threads[self].verdict;
}

unsigned Lane() { return static_cast<unsigned>(block.current % 32); }

Lanes Exchange(uint32_t mask, int kind, uint64_t value) {
  const size_t self = block.current;
  const size_t first = self / 32 * 32;
  const size_t there = block.threads.size() - first;
  if (there < 32) mask &= (1u << there) - 1;  // the last warp of a block may be short
  const unsigned lane = Lane();
  if (!(mask >> lane & 1)) Fail("a lane takes part in a collective of others");
  std::vector<Meeting>& warp = block.warps[self / 32];
  size_t at = 0;
  while (at < warp.size() && warp[at].mask != mask) ++at;
  if (at == warp.size()) warp.push_back({mask, 0, kind, {}, {}});
  if (warp[at].arrived == 0) warp[at].kind = kind;
  if (warp[at].kind != kind || (warp[at].arrived >> lane & 1)) Fail("lanes of a warp meet in different collectives");
  for (const Meeting& other : warp) {
    if (other.mask != mask && (other.mask & other.arrived & mask) != 0) Fail("lanes wait with different masks");
  }
  warp[at].coming.value[lane] = value;
  warp[at].arrived |= 1u << lane;
  if (warp[at].arrived == mask) {
    warp[at].met = warp[at].coming;
    warp[at].met.present = mask;
    warp[at].arrived = 0;
    for (size_t i = 0; i < 32; ++i) {
      if (mask >> i & 1) block.threads[first + i].state = State::kReady;
    }
    const Lanes lanes = warp[at].met;
    return lanes;
  }
  Wait(State::kInWarp);
  return block.warps[self / 32][at].met;
}

void* Shared(size_t bytes, Site site) {
  for (const SharedVariable& variable : block.shared) {
    if (variable.site.line == site.line && variable.site.file == site.file) return variable.memory.get();
  }
  block.shared_bytes += bytes;
  if (block.shared_bytes > kSharedLimit) Fail("more than 48 KiB of shared memory");
  block.shared.push_back({site, std::unique_ptr<char[]>(new char[bytes])});
  std::memset(block.shared.back().memory.get(), 0xcb, bytes);
  return block.shared.back().memory.get();
}

std::string RunGrid(dim3 grid, dim3 size, const std::function<void()>& body) {
  block.body = &body;
  block.fault.clear();
  block.threads.resize(size.x);
  block.warps.resize((size.x + 31) / 32);
  place.block_size = size;
  place.grid_size = grid;
  const std::vector<size_t> order = Order(size.x);
  for (unsigned b = 0; b < grid.x; ++b) {
    place.block = {b, 0, 0};
    std::string fault = RunBlock(order);
    if (!fault.empty()) {
      for (const Thread& thread : block.threads) {
        if (thread.fiber && thread.state != State::kDone) idle_fibers.push_back(thread.fiber);
      }
      return fault;
    }
  }
  return "";
}

}  // namespace emulator
