#include "thread_pool.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#include "cgroup.h"

#ifdef __linux__
#include <sched.h>
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

class Pool {
 public:
  void Run(int64_t blocks, BlockFunction function, void* context) {
    // Held for the whole job: one job at a time owns the workers.
    std::unique_lock<std::mutex> job(job_mutex_, std::try_to_lock);
    const int helpers = static_cast<int>(std::min<int64_t>(NumThreads(), blocks)) - 1;
    if (!job.owns_lock() || helpers < 1) {
      for (int64_t block = 0; block < blocks; ++block) function(context, block);
      return;
    }
    {
      std::lock_guard<std::mutex> lock(mutex_);
      while (spawned_ < helpers && Spawn()) ++spawned_;
      function_ = function;
      context_ = context;
      blocks_ = blocks;
      next_.store(0, std::memory_order_relaxed);
      wanted_ = std::min(helpers, spawned_);
      ++generation_;
    }
    wake_.notify_all();
    Work();
    std::unique_lock<std::mutex> lock(mutex_);
    wanted_ = 0;  // workers that have not woken yet are too late to join
    done_.wait(lock, [&] { return active_ == 0; });
  }

 private:
  bool Spawn() {
    try {
      std::thread([this] { Serve(); }).detach();
      return true;
    } catch (const std::system_error&) {
      return false;  // no more threads to be had: the ones there are do the work
    }
  }

  void Serve() {
    uint64_t seen = 0;
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return generation_ != seen; });
      seen = generation_;
      if (wanted_ == 0) continue;
      --wanted_;
      ++active_;
      lock.unlock();
      Work();
      lock.lock();
      if (--active_ == 0) done_.notify_one();
    }
  }

  void Work() {
    for (;;) {
      const int64_t block = next_.fetch_add(1, std::memory_order_relaxed);
      if (block >= blocks_) return;
      function_(context_, block);
    }
  }

  std::mutex job_mutex_;
  std::mutex mutex_;  // guards everything below but next_
  std::condition_variable wake_, done_;
  BlockFunction function_ = nullptr;
  void* context_ = nullptr;
  int64_t blocks_ = 0;
  std::atomic<int64_t> next_{0};
  uint64_t generation_ = 0;
  int spawned_ = 0, wanted_ = 0, active_ = 0;
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

}  // namespace

int DefaultNumThreads() {
  const double quota = CgroupCores("");
  const int cores = AffinityCores();
  return quota > 0 ? std::clamp(static_cast<int>(std::lround(quota)), 1, cores) : cores;
}

int NumThreads() { return ThreadCount().load(std::memory_order_relaxed); }

void SetNumThreads(int count) { ThreadCount().store(std::max(1, count), std::memory_order_relaxed); }

void RunBlocks(int64_t blocks, BlockFunction function, void* context) {
  if (blocks == 1) {
    function(context, 0);
  } else if (blocks > 1) {
    ThePool().Run(blocks, function, context);
  }
}

}  // namespace rn
