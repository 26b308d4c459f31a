// The shortest of many runs: what else the machine does can only add to it.
#ifndef RETINANET_OPS_BENCH_TIMING_H
#define RETINANET_OPS_BENCH_TIMING_H

#include <algorithm>
#include <chrono>
#include <vector>

namespace rn::bench {

struct Timing {
  double best, median;  // seconds
  int runs;
};

// Runs for about `budget` seconds, three times at least, after one run that is not counted.
template <class Run>
Timing Measure(double budget, Run&& run) {
  using Clock = std::chrono::steady_clock;
  run();
  std::vector<double> seconds;
  double total = 0;
  while (seconds.size() < 3 || (total < budget && seconds.size() < 10000)) {
    const Clock::time_point start = Clock::now();
    run();
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    total += seconds.back();
  }
  std::sort(seconds.begin(), seconds.end());
  return {seconds.front(), seconds[seconds.size() / 2], static_cast<int>(seconds.size())};
}

}  // namespace rn::bench

#endif
