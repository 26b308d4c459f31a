// Depthwise convolutions, in which every channel has filters of its own, and their gradients. Several filters a channel
// are one filter each of as many channels that are the same. Results do not depend on threads: every output is computed
// by one tile, and a filter's gradient is summed in parts that depend on the problem alone.
#include "depthwise.h"

#include <algorithm>
#include <deque>
#include <limits>

#include "cpu_backend.h"
#include "status.h"

namespace rn::cpu {
namespace {

constexpr int64_t kBlockFloats = 16384;  // of the output
constexpr int64_t kMostByTwo = 16;       // pixels, with all channels: memory is gone through in order

// One filter a channel; the output's pixels need not lie side by side.
struct Layer {
  rn_convolution_shape shape;
  const float *input, *filter, *bias;
  float low, high;
  float* output;
  int64_t image_pitch, row_pitch, pixel_pitch;  // of the output
};

// Phases of one result run block by block, one after the other: what they read and write stays in the cache.
class Run {
 public:
  explicit Run(const Layer& layer) : layer_(layer), lines_(layer_.shape) {
    const rn_convolution_shape& shape = layer_.shape;
    const int64_t c = shape.channels;
    common_.pixel_pitch = shape.stride_width * c;
    common_.row_pitch = shape.dilation_height * shape.width * c;
    common_.tap_pitch = shape.dilation_width * c;
    common_.filter_pitch = shape.filter_width * c;
    common_.channels = c;
    common_.bias = layer_.bias;
    common_.output_pitch = layer_.pixel_pitch;
    common_.low = layer_.low;
    common_.high = layer_.high;
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  int64_t count() const { return layer_.shape.images * layer_.shape.out_height; }
  int64_t floats() const { return count() * layer_.shape.out_width * layer_.shape.channels; }

  void Rows(const Range& range) const {
    const DepthwiseKernels& kernels = ActiveKernels()->depthwise;
    const rn_convolution_shape& shape = layer_.shape;
    const int64_t c = shape.channels;
    for (int64_t line = range.begin; line < range.end; ++line) {
      const int64_t image = line / shape.out_height, row = line % shape.out_height;
      const Range& rows = lines_.rows(row);
      DepthwiseTile tile = common_;
      tile.filter_rows = rows.end - rows.begin;
      const bool moves_by_two = shape.channels >= kernels.lanes && common_.pixel_pitch == 2 * common_.tap_pitch &&
                                tile.filter_rows >= 1 && tile.filter_rows <= DepthwiseWindows::kMostRows;
      lines_.ForEachRun(kMostByTwo, [&](const Range& taps, int64_t begin, int64_t end) {
        tile.taps = taps.end - taps.begin;
        const bool reads = tile.taps > 0 && tile.filter_rows > 0;
        tile.filter = layer_.filter + (reads ? rows.begin * common_.filter_pitch + taps.begin * c : 0);
        const auto place = [&](int64_t pixel) {
          tile.input = layer_.input;
          if (reads)
            tile.input += image * shape.height * shape.width * c + lines_.Read(row, rows.begin, pixel, taps.begin);
          tile.output =
              layer_.output + image * layer_.image_pitch + row * layer_.row_pitch + pixel * layer_.pixel_pitch;
        };
        if (moves_by_two && tile.taps == DepthwiseWindows::kTaps) {
          place(begin);
          kernels.by_two[tile.filter_rows](tile, end - begin);
          return;
        }
        for (int64_t pixel = begin; pixel < end; pixel += DepthwiseKernels::kMost) {
          place(pixel);
          kernels.tiles[std::min<int64_t>(DepthwiseKernels::kMost, end - pixel)](tile);
        }
      });
    }
  }

 private:
  const Layer layer_;
  const Lines lines_;
  DepthwiseTile common_{};
};

void RunAll(const std::deque<Run>& runs) {
  int64_t floats = 0, count = 0;
  for (const Run& run : runs) {
    floats += run.floats();
    count = std::max(count, run.count());
  }
  const int64_t blocks = std::clamp<int64_t>(NumBlocks(floats, kBlockFloats), 1, std::max<int64_t>(1, count));
  ParallelFor(blocks, [&](int64_t block) {
    for (const Run& run : runs) run.Rows(PartOf(run.count(), block, blocks));
  });
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

void GradientOfPhases(const rn_convolution_shape& shape, const float* output_grad, const float* filter,
                      float* input_grad) {
  const int64_t c = shape.channels, row_pitch = shape.width * c;
  const int64_t sh = shape.stride_height, sw = shape.stride_width;
  const auto rows = PhasesOf(shape.height, shape.filter_height, sh, shape.dilation_height, shape.pad_top);
  const auto columns = PhasesOf(shape.width, shape.filter_width, sw, shape.dilation_width, shape.pad_left);
  if (HasGap(rows) || HasGap(columns) || IsEmpty(shape)) std::fill_n(input_grad, Pixels(shape) * c, 0.0f);
  const std::vector<float> bias(static_cast<size_t>(c));
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::deque<std::vector<float>> filters;  // turned around
  std::deque<Run> runs;
  for (const Phase& y : rows) {
    for (const Phase& x : columns) {
      if (y.count == 0 || x.count == 0 || IsEmpty(shape)) continue;
      std::vector<float>& turned = filters.emplace_back(static_cast<size_t>(y.count * x.count * c));
      for (int64_t tap = 0; tap < y.count * x.count; ++tap) {
        const int64_t row = y.first_tap + (y.count - 1 - tap / x.count) * y.step;
        const int64_t column = x.first_tap + (x.count - 1 - tap % x.count) * x.step;
        const float* const from = filter + (row * shape.filter_width + column) * c;
        std::copy(from, from + c, turned.data() + tap * c);
      }
      runs.emplace_back(Layer{DenseShape(shape, y, x, c, 1), output_grad, turned.data(), bias.data(), -kInfinity,
                              kInfinity, input_grad + y.first * row_pitch + x.first * c, shape.height * row_pitch,
                              sh * row_pitch, sw * c});
    }
  }
  if (!runs.empty()) RunAll(runs);
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
    std::deque<Run> runs;
    runs.emplace_back(Layer{shape, repeated.empty() ? op->input : repeated.data(), op->filter,
                            op->bias ? op->bias : bias.data(), op->clamped ? op->low : -kInfinity,
                            op->clamped ? op->high : kInfinity, op->output, shape.out_height * row_pitch, row_pitch,
                            shape.channels});
    RunAll(runs);
  });
}

rn_status DepthwiseInputGrad(const rn_convolution_input_grad* op) {
  return Guarded([&] {
    const rn_convolution_shape shape = OneFilterEach(op->shape);
    const int64_t pixels = Pixels(shape);
    if (pixels * shape.channels == 0) return;
    const bool has_several = op->shape.filters > 1;
    std::vector<float> of_each(has_several ? static_cast<size_t>(pixels * shape.channels) : 0);
    float* const input_grad = has_several ? of_each.data() : op->input_grad;
    const auto gradient = !IsEmpty(shape) && HasInputPairs(shape) ? DepthwiseGradientOfPairs : GradientOfPhases;
    gradient(shape, op->output_grad, op->filter, input_grad);
    if (has_several) AddUp(input_grad, op->shape.filters, pixels * op->shape.channels, op->input_grad);
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
    DepthwiseFilterGradient(shape, repeated.empty() ? op->input : repeated.data(), op->output_grad, op->filter_grad);
  });
}

}  // namespace rn::cpu
