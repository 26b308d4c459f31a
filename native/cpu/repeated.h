// A short array that goes with each of many rows, several times side by side: so many rows are then worked on as one.
#ifndef RETINANET_OPS_CPU_REPEATED_H
#define RETINANET_OPS_CPU_REPEATED_H

#include <cstdint>
#include <vector>

namespace rn::cpu {

constexpr int64_t kShortRow = 64, kRepeats = 64;

inline std::vector<float> Repeated(const float* values, int64_t count) {
  std::vector<float> all;
  all.reserve(static_cast<size_t>(count * kRepeats));
  for (int64_t i = 0; i < kRepeats; ++i) all.insert(all.end(), values, values + count);
  return all;
}

}  // namespace rn::cpu

#endif
