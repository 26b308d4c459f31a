#include "block.h"

#include <cstring>

#include "threads.h"

namespace emulator {

Place place;
std::string fault;
bool pauses_always = false;

namespace {

constexpr size_t kSharedLimit = 48 << 10;
constexpr unsigned kMostPauses = 1u << 20;   // then what the thread waits for never comes
constexpr unsigned kPausesOfTurn = 1u << 8;  // then it lets others run

Block* block = nullptr;  // and thread of it that run
size_t current = 0;
std::vector<std::unique_ptr<Fiber>> all_fibers;
std::vector<Fiber*> idle_fibers;

Fiber* TakeFiber() {
  if (idle_fibers.empty()) {
    all_fibers.push_back(std::make_unique<Fiber>());
    return all_fibers.back().get();
  }
  Fiber* fiber = idle_fibers.back();
  idle_fibers.pop_back();
  return fiber;
}

void Wait(State state, Site site) {
  Thread& thread = block->threads[current];
  thread.state = state;
  thread.site = site;
  Fiber::Yield();
}

bool Same(const char* a, const char* b) { return a == b || std::strcmp(a, b) == 0; }
bool Same(Site a, Site b) { return a.line == b.line && Same(a.file, b.file) && Same(a.what, b.what); }

}  // namespace

std::string Name(Site site) {
  const char* slash = std::strrchr(site.file, '/');
  return std::string(site.what) + " at " + (slash ? slash + 1 : site.file) + ":" + std::to_string(site.line);
}

void Fail(const std::string& what) {
  if (fault.empty()) {
    fault = what + " (block " + std::to_string(block->index) + ", thread " + std::to_string(current) + ")";
  }
  for (;;) Fiber::Yield();
}

void Block::Run(size_t index_of_thread, const std::function<void()>& body) {
  Thread& thread = threads[index_of_thread];
  block = this;
  current = index_of_thread;
  place.thread = {static_cast<unsigned>(index_of_thread), 0, 0};
  place.block = {index, 0, 0};
  clocks.Enter(index_of_thread);
  bool ended;
  if (thread.state == State::kNew) {
    thread.fiber = TakeFiber();
    thread.state = State::kReady;
    ended = thread.fiber->Start([](void* function) { (*static_cast<const std::function<void()>*>(function))(); },
                                const_cast<std::function<void()>*>(&body));
  } else {
    ended = thread.fiber->Resume();
  }
  clocks.Leave();
  if (!ended) return;
  thread.state = State::kDone;
  idle_fibers.push_back(thread.fiber);
}

void Block::Step(const std::vector<size_t>& order, const std::function<void()>& body) {
  while (position < order.size()) {
    const size_t next = order[position++];
    if (threads[next].state != State::kNew && threads[next].state != State::kReady) continue;
    ran = true;
    Run(next, body);
    return;
  }
  EndRound();
}

void Block::EndRound() {
  bool live = false, at_barrier = false;
  for (const Thread& thread : threads) {
    live |= thread.state != State::kDone;
    at_barrier |= thread.state == State::kAtBarrier;
  }
  done = !live;
  if (live && !ran) {
    if (at_barrier) {
      OpenBarrier();
    } else {
      fault = WhyStuck();
    }
    if (!fault.empty()) fault += " (block " + std::to_string(index) + ")";
  }
  position = 0;
  ran = false;
}

Block::~Block() {
  for (const SharedVariable& variable : shared) ForgetMemory(variable.memory.get(), variable.bytes);
  for (const Thread& thread : threads) {
    if (thread.fiber && thread.state != State::kDone) idle_fibers.push_back(thread.fiber);
  }
}

// Everybody has to wait at the same one.
void Block::OpenBarrier() {
  const Thread& first = threads[0];
  const Thread *at_barrier = nullptr, *in_warp = nullptr;
  bool any_done = false;
  for (const Thread& thread : threads) {
    any_done |= thread.state == State::kDone;
    if (thread.state == State::kAtBarrier) at_barrier = &thread;
    if (thread.state == State::kInWarp) in_warp = &thread;
  }
  if (!at_barrier) return;
  if (in_warp) {
    fault = "some threads wait in " + Name(at_barrier->site) + ", others in " + Name(in_warp->site) +
            " for lanes of their warp";
  } else if (any_done) {
    fault = "a thread has left the kernel while others wait in " + Name(at_barrier->site);
  }
  int sum = 0;
  for (const Thread& thread : threads) {
    if (!fault.empty()) return;
    if (!Same(thread.site, first.site)) {
      fault = "threads wait in different barriers: " + Name(first.site) + " and " + Name(thread.site);
    }
    sum += thread.predicate != 0;
  }
  const int all = static_cast<int>(threads.size());
  for (Thread& thread : threads) {
    thread.verdict = thread.vote == Vote::kOr ? sum > 0 : thread.vote == Vote::kAnd ? sum == all : sum;
    thread.state = State::kReady;
    thread.pauses = 0;
  }
  clocks.Barrier();
}

// Which lanes of a mask did not come to where the others of it wait.
std::string Block::WhyStuck() const {
  for (size_t w = 0; w < warps.size(); ++w) {
    for (const Meeting& meeting : warps[w]) {
      if (meeting.arrived == 0) continue;
      std::string why = "lanes of warp " + std::to_string(w) + " wait in " + Name(meeting.site) +
                        " for others of their mask that never come:";
      for (size_t lane = 0; lane < 32; ++lane) {
        if (!((meeting.mask & ~meeting.arrived) >> lane & 1)) continue;
        const Thread& thread = threads[32 * w + lane];
        why += " lane " + std::to_string(lane) +
               (thread.state == State::kDone ? " has left the kernel;" : " waits in " + Name(thread.site) + ";");
      }
      why.pop_back();
      return why;
    }
  }
  return "threads wait for nothing";
}

int Barrier(Site site, Vote vote, int predicate) {
  Thread& thread = block->threads[current];
  thread.vote = vote;
  thread.predicate = predicate;
  Wait(State::kAtBarrier, site);
  return thread.verdict;
}

unsigned Lane() { return static_cast<unsigned>(current % 32); }

const Lanes& Exchange(Site site, uint32_t mask, uint64_t value, bool orders_memory) {
  const size_t number = current / 32, first = number * 32, there = block->threads.size() - first;
  if (there < 32) mask &= (1u << there) - 1;  // the last warp of a block may be short
  const unsigned lane = Lane();
  if (!(mask >> lane & 1)) Fail("a lane takes part in a collective of others: " + Name(site));
  std::vector<Meeting>& warp = block->warps[number];
  size_t at = 0;
  while (at < warp.size() && warp[at].mask != mask) ++at;
  if (at == warp.size()) warp.push_back({mask, 0, site, {}, {}});
  if (warp[at].arrived == 0) warp[at].site = site;
  if (!Same(warp[at].site, site)) {
    Fail("lanes of a warp meet in different collectives: " + Name(warp[at].site) + " and " + Name(site));
  }
  for (const Meeting& other : warp) {
    if (other.mask != mask && (other.mask & other.arrived & mask) != 0) {
      Fail("lanes of a warp wait with different masks: in " + Name(other.site) + " and " + Name(site));
    }
  }
  warp[at].coming.value[lane] = value;
  warp[at].arrived |= 1u << lane;
  if (warp[at].arrived != mask) {
    Wait(State::kInWarp, site);
    return block->warps[number][at].met;
  }
  warp[at].met = warp[at].coming;
  warp[at].met.present = mask;
  warp[at].arrived = 0;
  for (size_t i = 0; i < 32; ++i) {
    if (!(mask >> i & 1)) continue;
    block->threads[first + i].state = State::kReady;
    block->threads[first + i].pauses = 0;
  }
  if (orders_memory) block->clocks.SyncWarp(first, mask);
  return warp[at].met;
}

void Pause() {
  const unsigned pauses = ++block->threads[current].pauses;
  if (pauses > kMostPauses) Fail("a thread waits in a loop for what never comes");
  if (pauses_always || pauses % kPausesOfTurn == 0) Fiber::Yield();
}

void* Shared(size_t bytes, Site site) {
  for (const SharedVariable& variable : block->shared) {
    if (variable.site.line == site.line && variable.site.file == site.file) return variable.memory.get();
  }
  block->shared_bytes += bytes;
  if (block->shared_bytes > kSharedLimit) Fail("more than 48 KiB of shared memory");
  block->shared.push_back({site, std::unique_ptr<char[]>(new char[bytes]), bytes});
  char* const memory = block->shared.back().memory.get();
  std::memset(memory, 0xcb, bytes);
  WatchMemory(memory, bytes, true);
  return memory;
}

}  // namespace emulator
