// Depthwise convolutions, in which every channel has filters of its own, and their gradients. Several filters a channel
// are one filter each of as many channels that are the same. Results do not depend on threads: every output is computed
// by one tile, and a filter's gradient is summed in parts that depend on the problem alone.
#include <algorithm>

#include "convolution.h"
#include "cpu_backend.h"
#include "status.h"

namespace rn::cpu {
namespace {

constexpr int64_t kBlockFloats = 16384;          // of the output
constexpr int64_t kSummedPixels = 192;           // from zero, which keeps errors of long sums small
constexpr int64_t kMostSums = int64_t{1} << 20;  // floats of all parts

// The places of the filter that each output finds within the image, along one axis.
std::vector<Range> TapsOf(int64_t size, int64_t filter, int64_t stride, int64_t dilation, int64_t pad,
                          int64_t outputs) {
  std::vector<Range> taps;
  for (int64_t i = 0; i < outputs; ++i) taps.push_back(Within(size, pad - i * stride, dilation, {0, filter}));
  return taps;
}

// One filter a channel; the output's pixels need not lie side by side.
struct Layer {
  rn_convolution_shape shape;
  const float *input, *filter, *bias;
  float low, high;
  float* output;
  int64_t image_pitch, row_pitch, pixel_pitch;  // of the output
};

// What the rows of a layer's output read.
class Lines {
 public:
  explicit Lines(const rn_convolution_shape& shape)
      : shape_(shape),
        rows_(TapsOf(shape.height, shape.filter_height, shape.stride_height, shape.dilation_height, shape.pad_top,
                     shape.out_height)),
        columns_(TapsOf(shape.width, shape.filter_width, shape.stride_width, shape.dilation_width, shape.pad_left,
                        shape.out_width)) {}

  const Range& rows(int64_t row) const { return rows_[static_cast<size_t>(row)]; }

  // Visits runs of at most `most` pixels that read the same places of the filter.
  template <class Visit>
  void ForEachRun(int64_t most, const Visit& visit) const {
    for (int64_t begin = 0; begin < shape_.out_width;) {
      const Range& taps = columns_[static_cast<size_t>(begin)];
      int64_t end = begin + 1;
      while (end < shape_.out_width && end - begin < most && columns_[static_cast<size_t>(end)] == taps) ++end;
      visit(taps, begin, end);
      begin = end;
    }
  }

  // From the image's first float to what an output reads for a place of the filter.
  int64_t Read(int64_t row, int64_t tap_row, int64_t column, int64_t tap) const {
    const int64_t y = row * shape_.stride_height - shape_.pad_top + tap_row * shape_.dilation_height;
    const int64_t x = column * shape_.stride_width - shape_.pad_left + tap * shape_.dilation_width;
    return (y * shape_.width + x) * shape_.channels;
  }

 private:
  const rn_convolution_shape& shape_;
  std::vector<Range> rows_, columns_;
};

void Run(const Layer& layer) {
  const rn_convolution_shape& shape = layer.shape;
  const DepthwiseKernels& kernels = ActiveKernels()->depthwise;
  const Lines lines(shape);
  const int64_t c = shape.channels, count = shape.images * shape.out_height;
  DepthwiseTile common{};
  common.pixel_pitch = shape.stride_width * c;
  common.row_pitch = shape.dilation_height * shape.width * c;
  common.tap_pitch = shape.dilation_width * c;
  common.filter_pitch = shape.filter_width * c;
  common.channels = c;
  common.bias = layer.bias;
  common.output_pitch = layer.pixel_pitch;
  common.low = layer.low;
  common.high = layer.high;
  const int64_t lines_per_block = std::max<int64_t>(1, kBlockFloats / std::max<int64_t>(1, shape.out_width * c));
  ParallelFor(NumBlocks(count, lines_per_block), [&](int64_t block) {
    const int64_t last = std::min(count, (block + 1) * lines_per_block);
    for (int64_t line = block * lines_per_block; line < last; ++line) {
      const int64_t image = line / shape.out_height, row = line % shape.out_height;
      const Range& rows = lines.rows(row);
      DepthwiseTile tile = common;
      tile.filter_rows = rows.end - rows.begin;
      lines.ForEachRun(DepthwiseKernels::kMost, [&](const Range& taps, int64_t begin, int64_t end) {
        tile.taps = taps.end - taps.begin;
        const bool reads = tile.taps > 0 && tile.filter_rows > 0;
        tile.input = layer.input;
        if (reads)
          tile.input += image * shape.height * shape.width * c + lines.Read(row, rows.begin, begin, taps.begin);
        tile.filter = layer.filter + (reads ? rows.begin * common.filter_pitch + taps.begin * c : 0);
        tile.output = layer.output + image * layer.image_pitch + row * layer.row_pitch + begin * layer.pixel_pitch;
        kernels.tiles[end - begin](tile);
      });
    }
  });
}

void FilterGradient(const rn_convolution_shape& shape, const float* input, const float* output_grad,
                    float* filter_grad) {
  const DepthwiseKernels& kernels = ActiveKernels()->depthwise;
  const Lines lines(shape);
  const int64_t c = shape.channels, size = shape.filter_height * shape.filter_width * c;
  const int64_t count = shape.images * shape.out_height;
  const int64_t parts = std::clamp<int64_t>(kMostSums / std::max<int64_t>(1, size), 1, std::min(count, kMostTasks));
  std::vector<float> sums(static_cast<size_t>(parts * size));
  ParallelFor(parts, [&](int64_t part) {
    DepthwiseGradientTile tile{};
    tile.pixel_pitch = shape.stride_width * c;
    tile.tap_pitch = shape.dilation_width * c;
    tile.channels = c;
    for (int64_t line = count * part / parts; line < count * (part + 1) / parts; ++line) {
      const int64_t image = line / shape.out_height, row = line % shape.out_height;
      for (int64_t tap_row = lines.rows(row).begin; tap_row < lines.rows(row).end; ++tap_row) {
        lines.ForEachRun(kSummedPixels, [&](const Range& taps, int64_t begin, int64_t end) {
          tile.pixels = end - begin;
          tile.output_grad = output_grad + (line * shape.out_width + begin) * c;
          ForEachPart(taps.end - taps.begin, DepthwiseKernels::kMost, [&](int64_t first, int64_t last) {
            const int64_t tap = taps.begin + first;
            tile.input = input + image * shape.height * shape.width * c + lines.Read(row, tap_row, begin, tap);
            tile.sums = sums.data() + part * size + (tap_row * shape.filter_width + tap) * c;
            kernels.gradient_tiles[last - first](tile);
          });
        });
      }
    }
  });
  for (int64_t i = 0; i < size; ++i) {
    float sum = 0;
    for (int64_t part = 0; part < parts; ++part) sum += sums[static_cast<size_t>(part * size + i)];
    filter_grad[i] = sum;
  }
}

// Every value so many times side by side.
std::vector<float> Repeated(const float* values, int64_t count, int64_t times) {
  std::vector<float> repeated(static_cast<size_t>(count * times));
  ParallelFor(NumBlocks(count, kBlockFloats), [&](int64_t block) {
    const int64_t end = std::min(count, (block + 1) * kBlockFloats);
    for (int64_t i = block * kBlockFloats; i < end; ++i) std::fill_n(repeated.data() + i * times, times, values[i]);
  });
  return repeated;
}

// Sums of so many values side by side.
void AddUp(const float* values, int64_t times, int64_t count, float* sums) {
  ParallelFor(NumBlocks(count, kBlockFloats), [&](int64_t block) {
    const int64_t end = std::min(count, (block + 1) * kBlockFloats);
    for (int64_t i = block * kBlockFloats; i < end; ++i) {
      float sum = values[i * times];
      for (int64_t j = 1; j < times; ++j) sum += values[i * times + j];
      sums[i] = sum;
    }
  });
}

int64_t Pixels(const rn_convolution_shape& shape) { return shape.images * shape.height * shape.width; }

// The same convolution, of one filter a channel.
rn_convolution_shape OneFilterEach(rn_convolution_shape shape) {
  shape.channels *= shape.filters;
  shape.filters = 1;
  return shape;
}

bool IsEmpty(const rn_convolution_shape& shape) {
  return shape.images == 0 || shape.out_height == 0 || shape.out_width == 0 || shape.channels == 0;
}

}  // namespace

rn_status DepthwiseConvolution(const rn_convolution* op) {
  return Guarded([&] {
    const rn_convolution_shape shape = OneFilterEach(op->shape);
    if (IsEmpty(shape)) return;
    std::vector<float> bias(op->bias ? 0 : static_cast<size_t>(shape.channels)), repeated;
    if (op->shape.filters > 1) repeated = Repeated(op->input, Pixels(shape) * op->shape.channels, op->shape.filters);
    const int64_t row_pitch = shape.out_width * shape.channels;
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    Run({shape, repeated.empty() ? op->input : repeated.data(), op->filter, op->bias ? op->bias : bias.data(),
         op->clamped ? op->low : -kInfinity, op->clamped ? op->high : kInfinity, op->output,
         shape.out_height * row_pitch, row_pitch, shape.channels});
  });
}

rn_status DepthwiseInputGrad(const rn_convolution_input_grad* op) {
  return Guarded([&] {
    const rn_convolution_shape shape = OneFilterEach(op->shape);
    const int64_t c = shape.channels, row_pitch = shape.width * c, size = Pixels(shape) * c;
    const int64_t sh = shape.stride_height, sw = shape.stride_width;
    const bool has_several = op->shape.filters > 1;
    std::vector<float> of_each(has_several ? static_cast<size_t>(size) : 0);
    float* const input_grad = has_several ? of_each.data() : op->input_grad;
    const auto rows = PhasesOf(shape.height, shape.filter_height, sh, shape.dilation_height, shape.pad_top);
    const auto columns = PhasesOf(shape.width, shape.filter_width, sw, shape.dilation_width, shape.pad_left);
    if (HasGap(rows) || HasGap(columns) || IsEmpty(shape)) std::fill(input_grad, input_grad + size, 0.0f);
    const std::vector<float> bias(static_cast<size_t>(c));
    std::vector<float> turned;
    for (const Phase& y : rows) {
      for (const Phase& x : columns) {
        if (y.count == 0 || x.count == 0 || IsEmpty(shape)) continue;
        turned.resize(static_cast<size_t>(y.count * x.count * c));
        for (int64_t tap = 0; tap < y.count * x.count; ++tap) {
          const int64_t row = y.first_tap + (y.count - 1 - tap / x.count) * y.step;
          const int64_t column = x.first_tap + (x.count - 1 - tap % x.count) * x.step;
          const float* const from = op->filter + (row * shape.filter_width + column) * c;
          std::copy(from, from + c, turned.data() + tap * c);
        }
        constexpr float kInfinity = std::numeric_limits<float>::infinity();
        Run({DenseShape(shape, y, x, c, 1), op->output_grad, turned.data(), bias.data(), -kInfinity, kInfinity,
             input_grad + y.first * row_pitch + x.first * c, shape.height * row_pitch, sh * row_pitch, sw * c});
      }
    }
    if (has_several) AddUp(input_grad, op->shape.filters, Pixels(shape) * op->shape.channels, op->input_grad);
  });
}

rn_status DepthwiseFilterGrad(const rn_convolution_filter_grad* op) {
  return Guarded([&] {
    const rn_convolution_shape shape = OneFilterEach(op->shape);
    if (IsEmpty(shape)) {
      std::fill_n(op->filter_grad, shape.filter_height * shape.filter_width * shape.channels, 0.0f);
      return;
    }
    std::vector<float> repeated;
    if (op->shape.filters > 1) repeated = Repeated(op->input, Pixels(shape) * op->shape.channels, op->shape.filters);
    FilterGradient(shape, repeated.empty() ? op->input : repeated.data(), op->output_grad, op->filter_grad);
  });
}

}  // namespace rn::cpu
