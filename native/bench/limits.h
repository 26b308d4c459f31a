// What the machine itself allows, on as many threads as the operations use: the time to read an array, to copy it past
// the cache, and arithmetic in registers.
#ifndef RETINANET_OPS_BENCH_LIMITS_H
#define RETINANET_OPS_BENCH_LIMITS_H

#include <cstdint>

namespace rn::bench {

struct Limits {
  double read_ns, copy_ns;  // a float32
};

Limits MeasureLimits(int64_t bytes, double budget);

// Multiplications and additions in float32, 10^9 a second, of all threads together (fma_peak.cc).
double MeasureFmaPeak(double budget);

}  // namespace rn::bench

#endif
