// Convolutions, and their gradients by the input, which are convolutions of the output's gradient with the filter
// turned around.
#include <algorithm>
#include <numeric>

#include "cpu_backend.h"
#include "packed_convolution.h"
#include "status.h"

namespace rn::cpu {
namespace {

bool IsEmpty(const rn_convolution_shape& shape) {
  return shape.images == 0 || shape.out_height == 0 || shape.out_width == 0 || shape.filters == 0;
}

// The gradient of what no output read.
void Fill(const rn_convolution_input_grad& op, int64_t count) {
  if (op.addend) {
    std::copy(op.addend, op.addend + count, op.input_grad);
  } else {
    std::fill(op.input_grad, op.input_grad + count, 0.0f);
  }
  if (!op.rectified) return;
  ActiveKernels()->elementwise.binary[RN_BINARY_ReluGrad](
      {op.input_grad, op.rectified, false, false, op.input_grad, count, 0});
}

}  // namespace

std::vector<Phase> PhasesOf(int64_t size, int64_t filter, int64_t stride, int64_t dilation, int64_t pad) {
  const int64_t common = std::gcd(stride, dilation), step = stride / common;
  std::vector<Phase> phases;
  for (int64_t first = 0; first < std::min(stride, size); ++first) {
    Phase phase{first, NumBlocks(size - first, stride), 0, step, 0, dilation / common, 0};
    const int64_t rest = first + pad;  // = tap * dilation + output * stride
    const int64_t taps = std::min(step, filter);
    while (phase.first_tap < taps && (rest - phase.first_tap * dilation) % stride != 0) ++phase.first_tap;
    if (phase.first_tap < taps) {
      phase.count = NumBlocks(filter - phase.first_tap, step);
      phase.pad = (phase.count - 1) * phase.dilation - (rest - phase.first_tap * dilation) / stride;
    }
    phases.push_back(phase);
  }
  return phases;
}

bool HasGap(const std::vector<Phase>& phases) {
  return std::any_of(phases.begin(), phases.end(), [](const Phase& phase) { return phase.count == 0; });
}

rn_convolution_shape DenseShape(const rn_convolution_shape& shape, const Phase& y, const Phase& x, int64_t channels,
                                int64_t filters) {
  return {
      shape.images, shape.out_height, shape.out_width, channels, y.count, x.count, filters, y.pixels, x.pixels, 1, 1,
      y.dilation,   x.dilation,       y.pad,           x.pad};
}

rn_status Convolution(const rn_convolution* op) {
  return Guarded([&] {
    const rn_convolution_shape shape = MergeColumns(op->shape);
    if (IsEmpty(shape)) return;
    const ConvolutionKernels& kernels = ActiveKernels()->convolution;
    std::vector<float> bias(static_cast<size_t>(ChannelGroups(kernels, shape.filters).padded()));
    if (op->bias) std::copy(op->bias, op->bias + shape.filters, bias.begin());
    const int64_t row_pitch = shape.out_width * shape.filters, of_tap = shape.channels * shape.filters;
    const FilterSource filter{op->filter, shape.filter_width * of_tap, of_tap, shape.filters, 1};
    const Finish finish{op->addend, op->clamped != 0, op->low, op->high, nullptr};
    Run(kernels, {shape, op->input, filter, bias.data(), finish, op->output, shape.out_height * row_pitch, row_pitch,
                  shape.filters});
  });
}

rn_status ConvolutionInputGrad(const rn_convolution_input_grad* op) {
  return Guarded([&] {
    const rn_convolution_shape shape = MergeColumns(op->shape);
    const int64_t row_pitch = shape.width * shape.channels, image_pitch = shape.height * row_pitch;
    const int64_t sh = shape.stride_height, sw = shape.stride_width;
    const auto rows = PhasesOf(shape.height, shape.filter_height, sh, shape.dilation_height, shape.pad_top);
    const auto columns = PhasesOf(shape.width, shape.filter_width, sw, shape.dilation_width, shape.pad_left);
    const Finish finish{op->addend, false, 0, 0, op->rectified};
    if (HasGap(rows) || HasGap(columns) || IsEmpty(shape)) Fill(*op, shape.images * image_pitch);
    if (IsEmpty(shape) || image_pitch == 0) return;
    const ConvolutionKernels& kernels = ActiveKernels()->convolution;
    const std::vector<float> bias(static_cast<size_t>(ChannelGroups(kernels, shape.channels).padded()));
    const int64_t of_tap = shape.channels * shape.filters, of_row = shape.filter_width * of_tap;
    for (const Phase& y : rows) {
      for (const Phase& x : columns) {
        if (y.count == 0 || x.count == 0) continue;
        // The turned filter begins with the last of the phase's places.
        const int64_t row = y.first_tap + (y.count - 1) * y.step, column = x.first_tap + (x.count - 1) * x.step;
        const FilterSource turned{op->filter + row * of_row + column * of_tap, -y.step * of_row, -x.step * of_tap, 1,
                                  shape.filters};
        const int64_t first = y.first * row_pitch + x.first * shape.channels;
        Run(kernels, {DenseShape(shape, y, x, shape.filters, shape.channels), op->output_grad, turned, bias.data(),
                      finish.At(first), op->input_grad + first, image_pitch, sh * row_pitch, sw * shape.channels});
      }
    }
  });
}

}  // namespace rn::cpu
