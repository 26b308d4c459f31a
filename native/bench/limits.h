// What the memory itself allows: the time to read an array, and to copy it past the cache, on as many threads as the
// operations use.
#ifndef RETINANET_OPS_BENCH_LIMITS_H
#define RETINANET_OPS_BENCH_LIMITS_H

#include <cstdint>

namespace rn::bench {

struct Limits {
  double read_ns, copy_ns;  // a float32
};

Limits MeasureLimits(int64_t bytes, double budget);

}  // namespace rn::bench

#endif
