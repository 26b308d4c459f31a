#include "focal_count.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "../threads/thread_pool.h"

namespace rn::cpu {
namespace {

bool Positive(const rn_focal_loss& op, int64_t row) {
  if (op.anchor_weights && op.anchor_weights[row] == 0) return false;
  if (op.labels) return op.labels[row] >= 0;
  // No target is negative: one is above 0 where a bit other than the sign, which -0 has, is set. The loop becomes
  // vectors.
  const float* targets = op.targets + row * op.classes;
  uint32_t any = 0;
  for (int64_t k = 0; k < op.classes; ++k) {
    uint32_t bits;
    std::memcpy(&bits, targets + k, sizeof bits);
    any |= bits;
  }
  return any << 1 != 0;
}

}  // namespace

int64_t CountPositives(const rn_focal_loss& op) {
  const int64_t values_per_row = op.labels ? 1 : std::max<int64_t>(1, op.classes);
  const int64_t rows_per_block = std::max<int64_t>(1, (1 << 16) / values_per_row);
  std::vector<int64_t> counts(static_cast<size_t>(NumBlocks(op.rows, rows_per_block)));
  ParallelFor(static_cast<int64_t>(counts.size()), [&](int64_t block) {
    const int64_t begin = block * rows_per_block, end = std::min(op.rows, begin + rows_per_block);
    int64_t& count = counts[static_cast<size_t>(block)];
    if (op.labels && !op.anchor_weights) {
      count = std::count_if(op.labels + begin, op.labels + end, [](int32_t label) { return label >= 0; });
    } else {
      for (int64_t row = begin; row < end; ++row) count += Positive(op, row);
    }
  });
  int64_t total = 0;
  for (const int64_t count : counts) total += count;
  return total;
}

}  // namespace rn::cpu
