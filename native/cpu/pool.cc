// Pooling and its gradients.
#include <algorithm>

#include "../threads/thread_pool.h"
#include "cpu_backend.h"
#include "kernels/kernels.h"
#include "range.h"
#include "status.h"

namespace rn::cpu {
namespace {

constexpr int64_t kBlock = 32768;  // floats of a task

// Pixels of an axis that a window covers.
Range Covered(int64_t output, int64_t stride, int64_t pad, int64_t window, int64_t size) {
  const int64_t first = output * stride - pad;
  const int64_t begin = std::clamp<int64_t>(first, 0, size);
  return {begin, std::clamp<int64_t>(first + window, begin, size)};
}

// The window of an output, cut to the image.
PoolWindow WindowOf(const rn_pool_shape& shape, const float* image, const Range& rows, const Range& columns) {
  const int64_t row_pitch = shape.width * shape.channels;
  return {image + rows.begin * row_pitch + columns.begin * shape.channels,
          rows.end - rows.begin,
          columns.end - columns.begin,
          row_pitch,
          shape.channels,
          shape.channels,
          static_cast<float>((rows.end - rows.begin) * (columns.end - columns.begin))};
}

int64_t RowsOfTask(int64_t rows, int64_t floats_of_row) {
  return std::clamp<int64_t>(kBlock / std::max<int64_t>(1, floats_of_row), 1, std::max<int64_t>(1, rows));
}

}  // namespace

rn_status Pool(const rn_pool* op) {
  const rn_pool_shape& shape = op->shape;
  const auto kernel = ActiveKernels()->pixels.pool[op->kind];
  const int64_t c = shape.channels, rows = shape.images * shape.out_height;
  const int64_t together = RowsOfTask(rows, shape.out_width * c * shape.window_height);
  ParallelFor(NumBlocks(rows, together), [&](int64_t block) {
    for (int64_t row = block * together; row < std::min(rows, (block + 1) * together); ++row) {
      const float* const image = op->input + row / shape.out_height * shape.height * shape.width * c;
      const Range down =
          Covered(row % shape.out_height, shape.stride_height, shape.pad_top, shape.window_height, shape.height);
      for (int64_t column = 0; column < shape.out_width; ++column) {
        const Range across = Covered(column, shape.stride_width, shape.pad_left, shape.window_width, shape.width);
        kernel(WindowOf(shape, image, down, across), op->output + (row * shape.out_width + column) * c);
      }
    }
  });
  return {RN_OK, ""};
}

// A task has some rows of an image's gradient, to which it adds what all outputs have for them, in their order: results
// do not depend on threads.
rn_status PoolGrad(const rn_pool_grad* op) {
  const rn_pool_shape& shape = op->shape;
  const auto kernel = ActiveKernels()->pixels.pool_grad[op->kind];
  const int64_t c = shape.channels, row_pitch = shape.width * c, image_pitch = shape.height * row_pitch;
  const int64_t together = RowsOfTask(shape.height, row_pitch), bands = NumBlocks(shape.height, together);
  ParallelFor(shape.images * bands, [&](int64_t task) {
    const int64_t image = task / bands, first = task % bands * together, end = std::min(shape.height, first + together);
    const float* const input = op->input + image * image_pitch;
    float* const grad = op->input_grad + image * image_pitch;
    std::fill(grad + first * row_pitch, grad + end * row_pitch, 0.0f);
    for (int64_t row = 0; row < shape.out_height; ++row) {
      const Range down = Covered(row, shape.stride_height, shape.pad_top, shape.window_height, shape.height);
      const Range ours{std::max(down.begin, first), std::min(down.end, end)};
      if (ours.begin >= ours.end) continue;
      const float* const dy = op->output_grad + (image * shape.out_height + row) * shape.out_width * c;
      for (int64_t column = 0; column < shape.out_width; ++column) {
        const Range across = Covered(column, shape.stride_width, shape.pad_left, shape.window_width, shape.width);
        PoolWindow window = WindowOf(shape, input, down, across);
        if (op->whole_windows) window.count = static_cast<float>(shape.window_height * shape.window_width);
        kernel(window, ours.begin - down.begin, ours.end - down.begin, dy + column * c, grad + (window.input - input));
      }
    }
  });
  return {RN_OK, ""};
}

}  // namespace rn::cpu
