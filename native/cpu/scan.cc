#include "scan.h"

#include <algorithm>
#include <atomic>

#include "../threads/thread_pool.h"

namespace rn::cpu {
namespace {

template <class T>
int64_t Find(const T* values, int64_t count, T lowest, T highest) {
  constexpr int64_t kPerBlock = 1 << 16;
  std::atomic<int64_t> first_block{INT64_MAX};
  ParallelFor(NumBlocks(count, kPerBlock), [&](int64_t block) {
    const int64_t end = std::min(count, (block + 1) * kPerBlock);
    int32_t outside = 0;
    for (int64_t i = block * kPerBlock; i < end; ++i) outside |= !(values[i] >= lowest) | !(values[i] <= highest);
    if (!outside) return;
    int64_t seen = first_block.load(std::memory_order_relaxed);
    while (block < seen && !first_block.compare_exchange_weak(seen, block, std::memory_order_relaxed)) {
    }
  });
  if (first_block.load() == INT64_MAX) return -1;
  const T* const end = values + count;
  const T* const found = std::find_if(values + first_block.load() * kPerBlock, end,
                                      [&](T value) { return !(value >= lowest && value <= highest); });
  return found == end ? -1 : found - values;
}

}  // namespace

int64_t FirstOutside(const float* values, int64_t count, float lowest, float highest) {
  return Find(values, count, lowest, highest);
}

int64_t FirstOutside(const int32_t* values, int64_t count, int32_t lowest, int32_t highest) {
  return Find(values, count, lowest, highest);
}

}  // namespace rn::cpu
