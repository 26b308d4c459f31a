// Training pictures changed at random: rows are blended first, then columns.
#include <algorithm>
#include <vector>

#include "../math/image_change.h"
#include "../threads/thread_pool.h"
#include "cpu_backend.h"
#include "status.h"

namespace rn::cpu {
namespace {

constexpr int64_t kChannels = 3, kRowsOfTask = 16;

std::vector<SourcePixels> SourcesOf(int64_t size, double scale, double shift) {
  std::vector<SourcePixels> sources(static_cast<size_t>(size));
  for (int64_t i = 0; i < size; ++i) sources[static_cast<size_t>(i)] = SourceOf(i, size, scale, shift);
  return sources;
}

void ChangeRow(const rn_change_image& op, const std::vector<SourcePixels>& columns, const SourcePixels& row,
               float* blended, float* out) {
  const uint8_t* const top = op.image + row.low * op.width * kChannels;
  const uint8_t* const bottom = op.image + row.high * op.width * kChannels;
  for (int64_t i = 0; i < op.width * kChannels; ++i) {
    blended[i] = Between(static_cast<float>(top[i]), static_cast<float>(bottom[i]), row.share);
  }
  for (const SourcePixels& column : columns) {
    const float* const left = blended + column.low * kChannels;
    const float* const right = blended + column.high * kChannels;
    for (int64_t k = 0; k < kChannels; ++k, ++out) {
      *out = Coloured(Between(left[k], right[k], column.share), op.gain[k], op.offset);
    }
  }
}

}  // namespace

rn_status ChangeImage(const rn_change_image* args) {
  return Guarded([&] {
    const rn_change_image& op = *args;
    const auto columns = SourcesOf(op.width, op.scale_x, op.shift_x);
    const auto rows = SourcesOf(op.height, op.scale_y, op.shift_y);
    const int64_t row_length = op.width * kChannels, tasks = NumBlocks(op.height, kRowsOfTask);
    std::vector<float> blended(static_cast<size_t>(tasks * row_length));
    ParallelFor(tasks, [&](int64_t task) {
      const int64_t end = std::min(op.height, (task + 1) * kRowsOfTask);
      for (int64_t row = task * kRowsOfTask; row < end; ++row) {
        ChangeRow(op, columns, rows[static_cast<size_t>(row)], blended.data() + task * row_length,
                  op.output + row * row_length);
      }
    });
  });
}

}  // namespace rn::cpu
