#ifdef EMULATOR_RACES
#include "races.h"

#include <algorithm>
#include <map>

#include "accesses.h"

namespace emulator {

Running running;
uint32_t launch_start = 1;

namespace {

uint32_t time_now = 1;  // goes on with every event that orders something

uint64_t NameOf(const Running& who) { return NameOfBlock(who.block) + 1 + who.thread; }

// What is published, by place and by the block that may see it.
constexpr uint32_t kAnyBlock = ~uint32_t{0};
std::map<std::pair<const volatile void*, uint32_t>, Known> published_at;

void Publish(const volatile void* place, uint32_t block, const Known& what) {
  if (!what.IsEmpty()) published_at[{place, block}].Add(what);
}

void Learn(Known& known, const volatile void* place, uint32_t block) {
  const auto at = published_at.find({place, block});
  if (at != published_at.end()) known.Add(at->second);
}

}  // namespace

void Known::Add(uint64_t whom, uint32_t time) {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), Entry{whom, 0});
  if (at != entries_.end() && at->first == whom) {
    at->second = std::max(at->second, time);
  } else {
    entries_.insert(at, {whom, time});
  }
}

void Known::Add(const Known& other) {
  if (other.IsEmpty()) return;
  std::vector<Entry> both;
  both.reserve(entries_.size() + other.entries_.size());
  auto a = entries_.begin();
  for (const Entry& b : other.entries_) {
    while (a != entries_.end() && a->first < b.first) both.push_back(*a++);
    const bool same = a != entries_.end() && a->first == b.first;
    both.push_back({b.first, same ? std::max(a++->second, b.second) : b.second});
  }
  both.insert(both.end(), a, entries_.end());
  entries_ = std::move(both);
}

uint32_t Known::Of(uint64_t whom) const {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), Entry{whom, 0});
  return at != entries_.end() && at->first == whom ? at->second : 0;
}

BlockClocks::BlockClocks(unsigned block, size_t size) : block_(block), clocks_(size) {
  ++time_now;
  for (Clock& clock : clocks_) clock.now = time_now;
}

void BlockClocks::Enter(size_t thread) {
  running = {&clocks_[thread], block_, static_cast<uint32_t>(thread)};
  watching = true;
}

void BlockClocks::Leave() { watching = false; }

// Everybody knows what everybody knew.
void BlockClocks::Barrier() {
  Known all;
  for (const Clock& clock : clocks_) all.Add(clock.known);
  ++time_now;
  for (Clock& clock : clocks_) {
    clock.now = clock.barrier = time_now;
    clock.known = all;
  }
}

void BlockClocks::SyncWarp(size_t first, uint32_t lanes) {
  Known all;
  ++time_now;
  for (size_t i = 0; i < 32; ++i) {
    if (!(lanes >> i & 1)) continue;
    all.Add(clocks_[first + i].known);
    all.Add(NameOfBlock(block_) + 1 + first + i, time_now);
  }
  for (size_t i = 0; i < 32; ++i) {
    if (!(lanes >> i & 1)) continue;
    clocks_[first + i].now = time_now;
    clocks_[first + i].known = all;
  }
}

void BeginGrid() {
  launch_start = ++time_now;
  published_at.clear();
}

void OrderMemory(Scope scope) {
  Clock& clock = *running.clock;
  const size_t scopes = scope == Scope::kDevice ? 2 : 1;
  for (size_t s = 0; s < scopes; ++s) clock.known.Add(clock.learnt[s]);
  clock.now = ++time_now;
  Known all = clock.known;
  all.Add(NameOf(running), clock.now);
  if (clock.barrier > 0) all.Add(NameOfBlock(running.block), clock.barrier);
  for (size_t s = 0; s < scopes; ++s) clock.published[s] = all;
}

void PassOnAtomically(const volatile void* place) {
  Clock& clock = *running.clock;
  constexpr size_t block = static_cast<size_t>(Scope::kBlock), device = static_cast<size_t>(Scope::kDevice);
  if (clock.published[block].IsEmpty() && published_at.empty()) return;
  Learn(clock.learnt[block], place, running.block);
  Learn(clock.learnt[device], place, kAnyBlock);
  Publish(place, running.block, clock.published[block]);
  Publish(place, kAnyBlock, clock.published[device]);
}

}  // namespace emulator
#endif
