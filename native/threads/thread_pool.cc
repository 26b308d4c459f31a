#include "thread_pool.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "cgroup.h"

#ifdef __linux__
#include <sched.h>
#endif
#ifdef RN_X86
#include <immintrin.h>
#endif

namespace rn {
namespace {

int AffinityCores() {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// To fall asleep and be woken takes some ten microseconds. Who waits for the others' last blocks, or has done its own
// of a job which another often follows at once, looks that long first.
constexpr int kTurnsBeforeSleep = 500;

template <class Condition>
void LookFor(const Condition& condition) {
  for (int turn = 0; turn < kTurnsBeforeSleep && !condition(); ++turn) {
#if defined(RN_X86)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
  }
}

int64_t Nanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// How long a block took when a job of the same function and as many blocks ran last.
class Paces {
 public:
  int64_t& Of(BlockFunction function, int64_t blocks) {
    const auto number = reinterpret_cast<uintptr_t>(function) / 16 + static_cast<uintptr_t>(blocks) * 31;
    Pace& pace = paces_[number % paces_.size()];
    if (pace.function != function || pace.blocks != blocks) pace = {function, blocks, kUnknown};
    return pace.nanoseconds;
  }
  static constexpr int64_t kUnknown = -1;

 private:
  struct Pace {
    BlockFunction function;
    int64_t blocks, nanoseconds;
  };
  std::array<Pace, 509> paces_{};
};

class Pool {
 public:
  // Jobs that take little more than waking others does run on the calling thread. How long they take is known from the
  // last time; where that was another case, the others are woken in the midst of it.
  void Run(int64_t blocks, BlockFunction function, void* context) {
    // Held for the whole job: one job at a time owns the workers.
    std::unique_lock<std::mutex> job(job_mutex_, std::try_to_lock);
    const int helpers = static_cast<int>(std::min<int64_t>(NumThreads(), blocks)) - 1;
    if (!job.owns_lock() || helpers < 1) {
      for (int64_t block = 0; block < blocks; ++block) function(context, block);
      return;
    }
    int64_t& pace = paces_.Of(function, blocks);
    const int64_t most_alone = kWorthwhile * CostOfHelp();
    int64_t start = Nanoseconds(), first = 0;
    if (pace != Paces::kUnknown && pace * blocks < most_alone) {
      do {
        function(context, first++);
      } while (first < blocks && Nanoseconds() - start < most_alone);
      pace = (Nanoseconds() - start) / first;
      if (first == blocks) return;
    }
    {
      std::lock_guard<std::mutex> lock(mutex_);
      while (spawned_ < helpers && Spawn()) ++spawned_;
      function_ = function;
      context_ = context;
      wanted_ = std::min(helpers, spawned_);
      Share(first, blocks);
      generation_.fetch_add(1, std::memory_order_relaxed);
    }
    Wake();
    start = Nanoseconds();
    const int64_t done = Work(0);
    if (done > 0) pace = (Nanoseconds() - start) / done;
    std::unique_lock<std::mutex> lock(mutex_);
    wanted_ = 0;  // workers that have not woken yet are too late to join
    lock.unlock();
    LookFor([&] { return active_.load(std::memory_order_acquire) == 0; });
    lock.lock();
    done_.wait(lock, [&] { return active_.load(std::memory_order_relaxed) == 0; });
  }

 private:
  static constexpr int64_t kWorthwhile = 3;         // times what help costs
  static constexpr int64_t kHandOver = 1000;        // nanoseconds that threads which are awake cost each other
  static constexpr int64_t kLongestWaking = 20000;  // who has waited longer was interrupted

  int64_t CostOfHelp() const { return asleep_.load(std::memory_order_relaxed) > 0 ? waking_ : kHandOver; }

  // Costs the caller from two microseconds to twenty, by the system.
  void Wake() {
    const bool is_anyone_asleep = asleep_.load(std::memory_order_relaxed) > 0;
    const int64_t start = Nanoseconds();
    wake_.notify_all();
    if (is_anyone_asleep) waking_ += (std::min(kLongestWaking, Nanoseconds() - start) - waking_) / 8;
  }

  bool Spawn() {
    try {
      std::thread([this, share = spawned_ + 1] { Serve(share); }).detach();
      return true;
    } catch (const std::system_error&) {
      return false;  // no more threads to be had: the ones there are do the work
    }
  }

  void Serve(int share) {
    uint64_t seen = 0;
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      const auto there_is_another = [&] { return generation_.load(std::memory_order_relaxed) != seen; };
      asleep_.fetch_add(1, std::memory_order_relaxed);
      wake_.wait(lock, there_is_another);
      asleep_.fetch_sub(1, std::memory_order_relaxed);
      seen = generation_.load(std::memory_order_relaxed);
      if (wanted_ > 0) {
        --wanted_;
        active_.fetch_add(1, std::memory_order_relaxed);
        lock.unlock();
        Work(share);
        lock.lock();
        if (active_.fetch_sub(1, std::memory_order_release) == 1) done_.notify_one();
      }
      lock.unlock();
      LookFor(there_is_another);
      lock.lock();
    }
  }

  // Successive blocks, a share for each thread. From call to call a thread has the same share, whose data then are in
  // its cache: of a network's layers, one after the other.
  struct alignas(64) Range {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };

  void Share(int64_t first, int64_t blocks) {
    if (static_cast<int>(shares_.size()) != wanted_ + 1) shares_ = std::vector<Range>(static_cast<size_t>(wanted_) + 1);
    const int64_t count = wanted_ + 1;
    for (int64_t i = 0; i < count; ++i) {
      Range& share = shares_[static_cast<size_t>(i)];
      share.next.store(first + (blocks - first) * i / count, std::memory_order_relaxed);
      share.end = first + (blocks - first) * (i + 1) / count;
    }
  }

  // Its own share, and then what others have left of theirs. How many blocks they were.
  int64_t Work(int own) {
    const size_t count = shares_.size();
    int64_t done = 0;
    for (size_t i = 0; i < count; ++i) {
      Range& share = shares_[(static_cast<size_t>(own) + i) % count];
      for (int64_t block; (block = share.next.fetch_add(1, std::memory_order_relaxed)) < share.end;) {
        function_(context_, block);
        ++done;
      }
    }
    return done;
  }

  std::mutex job_mutex_;
  Paces paces_;            // of who holds it,
  int64_t waking_ = 5000;  // as this: nanoseconds
  std::mutex mutex_;       // guards everything below but what atomics hold
  std::condition_variable wake_, done_;
  BlockFunction function_ = nullptr;
  void* context_ = nullptr;
  std::vector<Range> shares_;            // changed while nobody works
  std::atomic<uint64_t> generation_{0};  // written under mutex_, as active_
  int spawned_ = 0, wanted_ = 0;
  std::atomic<int> active_{0}, asleep_{0};
};

// Never destroyed: workers sleep in it while the process exits.
Pool& ThePool() {
  static Pool* pool = new Pool;
  return *pool;
}

std::atomic<int>& ThreadCount() {
  static std::atomic<int> count{DefaultNumThreads()};
  return count;
}

thread_local int threads_of_caller = kMaxThreads;

}  // namespace

int DefaultNumThreads() {
  const double quota = CgroupCores("");
  const int cores = AffinityCores();
  return quota > 0 ? std::clamp(static_cast<int>(std::lround(quota)), 1, cores) : cores;
}

int NumThreads() { return std::min(ThreadCount().load(std::memory_order_relaxed), threads_of_caller); }

void SetThreadsOfCaller(int count) { threads_of_caller = std::max(1, count); }

void SetNumThreads(int count) { ThreadCount().store(std::max(1, count), std::memory_order_relaxed); }

void RunBlocks(int64_t blocks, BlockFunction function, void* context) {
  if (blocks == 1) {
    function(context, 0);
  } else if (blocks > 1) {
    ThePool().Run(blocks, function, context);
  }
}

}  // namespace rn
