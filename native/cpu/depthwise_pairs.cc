// The gradient of depthwise convolutions of 3 x 3 that move by two, by the input: two rows of it at a time, from two
// rows of the output's gradient.
#include "cpu_backend.h"
#include "depthwise.h"

namespace rn::cpu {
namespace {

constexpr int64_t kBlockFloats = 16384;  // of the input
constexpr int64_t kPairsAtOnce = 16;     // of columns, with all channels: memory is gone through in order

}  // namespace

bool HasInputPairs(const rn_convolution_shape& shape) {
  return shape.filter_height == 3 && shape.filter_width == 3 && shape.stride_height == 2 && shape.stride_width == 2 &&
         shape.dilation_height == 1 && shape.dilation_width == 1 && shape.channels >= ActiveKernels()->depthwise.lanes;
}

void DepthwiseGradientOfPairs(const rn_convolution_shape& shape, const float* output_grad, const float* filter,
                              float* input_grad) {
  const int64_t c = shape.channels, row_floats = shape.width * c, grad_floats = shape.out_width * c;
  // Pairs that have a row, or a column, of the image.
  const Range rows{shape.pad_top / 2, (shape.height - 1 + shape.pad_top) / 2 + 1};
  const Range columns{shape.pad_left / 2, (shape.width - 1 + shape.pad_left) / 2 + 1};
  const int64_t in_image = rows.end - rows.begin, count = shape.images * in_image;
  const int64_t blocks =
      std::clamp<int64_t>(NumBlocks(shape.images * shape.height * row_floats, kBlockFloats), 1, count);
  ParallelFor(blocks, [&](int64_t block) {
    const Range range = PartOf(count, block, blocks);
    for (int64_t line = range.begin; line < range.end; ++line) {
      const int64_t image = line / in_image, row = rows.begin + line % in_image, even = 2 * row - shape.pad_top;
      const float* const grad = output_grad + image * shape.out_height * grad_floats;
      float* const out = input_grad + image * shape.height * row_floats;
      DepthwiseInputPairs pairs{};
      pairs.above = row >= 1 && row <= shape.out_height ? grad + (row - 1) * grad_floats : nullptr;
      pairs.at = row < shape.out_height ? grad + row * grad_floats : nullptr;
      pairs.filter = filter;
      pairs.even = even >= 0 ? out + even * row_floats : nullptr;
      pairs.odd = even + 1 < shape.height ? out + (even + 1) * row_floats : nullptr;
      pairs.width = shape.width;
      pairs.out_width = shape.out_width;
      pairs.pad = shape.pad_left;
      pairs.channels = c;
      for (pairs.first = columns.begin; pairs.first < columns.end; pairs.first = pairs.end) {
        pairs.end = std::min(columns.end, pairs.first + kPairsAtOnce);
        ActiveKernels()->depthwise.input_pairs(pairs);
      }
    }
  });
}

}  // namespace rn::cpu
