#include "scan.h"

#include <algorithm>
#include <atomic>
#include <cfloat>

#include "../math/box.h"
#include "../threads/thread_pool.h"

namespace rn::cpu {
namespace {

// The first of `count` items that is refused, or -1. `refused(i)` must have no branch: whole blocks are looked at.
template <class Refused>
int64_t FindFirst(int64_t count, const Refused& refused) {
  constexpr int64_t kPerBlock = 1 << 14;
  std::atomic<int64_t> first_block{INT64_MAX};
  ParallelFor(NumBlocks(count, kPerBlock), [&](int64_t block) {
    const int64_t end = std::min(count, (block + 1) * kPerBlock);
    int32_t any = 0;
    for (int64_t i = block * kPerBlock; i < end; ++i) any |= refused(i);
    if (!any) return;
    int64_t seen = first_block.load(std::memory_order_relaxed);
    while (block < seen && !first_block.compare_exchange_weak(seen, block, std::memory_order_relaxed)) {
    }
  });
  if (first_block.load() == INT64_MAX) return -1;
  for (int64_t i = first_block.load() * kPerBlock; i < count; ++i) {
    if (refused(i)) return i;
  }
  return -1;
}

template <class T>
int64_t FindOutside(const T* values, int64_t count, T lowest, T highest) {
  return FindFirst(count, [=](int64_t i) { return !(values[i] >= lowest) | !(values[i] <= highest); });
}

}  // namespace

int64_t FirstOutside(const float* values, int64_t count, float lowest, float highest) {
  return FindOutside(values, count, lowest, highest);
}

int64_t FirstOutside(const int32_t* values, int64_t count, int32_t lowest, int32_t highest) {
  return FindOutside(values, count, lowest, highest);
}

int64_t FirstBadBox(const float* boxes, int64_t count, bool area) {
  if (!area) {
    const int64_t i = FindOutside(boxes, 4 * count, -FLT_MAX, FLT_MAX);
    return i < 0 ? i : i / 4;
  }
  // With x1 < x2 in between, one bound for each is enough.
  return FindFirst(count, [=](int64_t i) {
    const Box box = LoadBox(boxes + 4 * i);
    return !(box.x1 >= -FLT_MAX) | !(box.x2 > box.x1) | !(box.x2 <= FLT_MAX) | !(box.y1 >= -FLT_MAX) |
           !(box.y2 > box.y1) | !(box.y2 <= FLT_MAX);
  });
}

}  // namespace rn::cpu
