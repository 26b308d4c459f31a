// Half-open ranges of pixels, outputs and places of a filter along an axis.
#ifndef RETINANET_OPS_CPU_RANGE_H
#define RETINANET_OPS_CPU_RANGE_H

#include <algorithm>
#include <cstdint>

#include "../threads/thread_pool.h"

namespace rn::cpu {

struct Range {
  int64_t begin, end;
  bool operator==(const Range& other) const { return begin == other.begin && end == other.end; }
};

// One of `parts` of [0, count) that are as even as can be.
inline Range PartOf(int64_t count, int64_t part, int64_t parts) {
  return {count * part / parts, count * (part + 1) / parts};
}

// The i of a range whose pixel i * step - before an image of `size` pixels has.
inline Range Within(int64_t size, int64_t before, int64_t step, const Range& of) {
  const int64_t begin = std::clamp(before > 0 ? NumBlocks(before, step) : 0, of.begin, of.end);
  const int64_t end = size + before > 0 ? NumBlocks(size + before, step) : 0;
  return {begin, std::clamp(end, begin, of.end)};
}

}  // namespace rn::cpu

#endif
