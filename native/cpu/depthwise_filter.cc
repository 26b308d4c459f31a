// The gradient of depthwise convolutions by their filters. Filters of three places a row, as nearly all are, have sums
// of all their places in registers, over the pixels of some rows; others those of a row's places, over a run of pixels.
#include <algorithm>

#include "depthwise.h"

namespace rn::cpu {
namespace {

constexpr int64_t kSummedPixels = 192;            // from zero, which keeps errors of long sums small
constexpr int64_t kMostWidth = 512;               // of a row that is summed at once
constexpr int64_t kMostSums = int64_t{1} << 20;   // floats of all parts
constexpr int64_t kLeastTask = int64_t{1} << 18;  // products
constexpr int64_t kChannelsAtOnce = 64;           // of a task at least, whole lines of the cache
constexpr int64_t kLine = 16;

class FilterGradient {
 public:
  FilterGradient(const rn_convolution_shape& shape, const float* input, const float* output_grad)
      : kernels_(ActiveKernels()->depthwise),
        shape_(shape),
        lines_(shape),
        input_(input),
        output_grad_(output_grad),
        c_(shape.channels),
        size_(shape.filter_height * shape.filter_width * c_),
        count_(shape.images * shape.out_height) {
    has_windows_ = c_ >= kernels_.lanes && shape.filter_width == DepthwiseWindows::kTaps && shape.dilation_width == 1 &&
                   shape.filter_height <= DepthwiseWindows::kMostRows && shape.out_width <= kMostWidth;
    const int64_t tasks = std::clamp<int64_t>(count_ * shape.out_width * size_ / kLeastTask, 1, kMostTasks);
    chunks_ = has_windows_ ? std::clamp<int64_t>(c_ / kChannelsAtOnce, 1, tasks) : 1;
    parts_ = std::clamp<int64_t>(kMostSums / size_, 1, std::min(count_, NumBlocks(tasks, chunks_)));
  }

  void Run(float* filter_grad) const {
    const ScratchFloats parts(parts_ > 1 ? parts_ * size_ : 0);
    ParallelFor(parts_ * chunks_, [&](int64_t task) {
      const int64_t part = task / chunks_;
      const Range lines = PartOf(NumBlocks(c_, kLine), task % chunks_, chunks_);
      const Range channels{lines.begin * kLine, std::min(c_, lines.end * kLine)};
      float* const sums = parts_ > 1 ? parts.get() + part * size_ : filter_grad;
      for (int64_t place = 0; place < size_; place += c_) {
        std::fill(sums + place + channels.begin, sums + place + channels.end, 0.0f);
      }
      const Range range = PartOf(count_, part, parts_);
      if (has_windows_) {
        Windows(range, channels, sums);
      } else {
        Runs(range, sums);
      }
    });
    if (parts_ == 1) return;
    constexpr int64_t kAtOnce = 4096;
    ParallelFor(NumBlocks(size_, kAtOnce), [&](int64_t block) {
      const int64_t begin = block * kAtOnce, end = std::min(size_, begin + kAtOnce);
      std::copy(parts.get() + begin, parts.get() + end, filter_grad + begin);
      for (int64_t part = 1; part < parts_; ++part) {
        const float* const more = parts.get() + part * size_;
        for (int64_t i = begin; i < end; ++i) filter_grad[i] += more[i];
      }
    });
  }

 private:
  const float* InputOf(int64_t image) const { return input_ + image * shape_.height * shape_.width * c_; }

  // Some rows of the output that meet the same rows of the filter at a time.
  void Windows(const Range& range, const Range& channels, float* sums) const {
    const int64_t most = std::max<int64_t>(1, kSummedPixels / shape_.out_width);
    DepthwiseWindows windows{};
    windows.row_pitch = shape_.dilation_height * shape_.width * c_;
    windows.line_pitch = shape_.stride_height * shape_.width * c_;
    windows.width = shape_.width;
    windows.out_width = shape_.out_width;
    windows.stride = shape_.stride_width;
    windows.pad = shape_.pad_left;
    windows.channels = c_;
    windows.first = channels.begin;
    windows.end = channels.end;
    for (int64_t line = range.begin; line < range.end; line += windows.lines) {
      const int64_t image = line / shape_.out_height, row = line % shape_.out_height;
      const Range& rows = lines_.rows(row);
      const int64_t end = std::min({row + most, shape_.out_height, row + range.end - line});
      windows.lines = 1;
      while (row + windows.lines < end && lines_.rows(row + windows.lines) == rows) ++windows.lines;
      if (rows.begin == rows.end) continue;
      const int64_t top = row * shape_.stride_height - shape_.pad_top + rows.begin * shape_.dilation_height;
      windows.input = InputOf(image) + top * shape_.width * c_;
      windows.output_grad = output_grad_ + line * shape_.out_width * c_;
      windows.sums = sums + rows.begin * shape_.filter_width * c_;
      kernels_.window_gradients[shape_.stride_width == 1][rows.end - rows.begin](windows);
    }
  }

  void Runs(const Range& range, float* sums) const {
    DepthwiseGradientTile tile{};
    tile.pixel_pitch = shape_.stride_width * c_;
    tile.tap_pitch = shape_.dilation_width * c_;
    tile.channels = c_;
    for (int64_t line = range.begin; line < range.end; ++line) {
      const int64_t image = line / shape_.out_height, row = line % shape_.out_height;
      for (int64_t tap_row = lines_.rows(row).begin; tap_row < lines_.rows(row).end; ++tap_row) {
        lines_.ForEachRun(kSummedPixels, [&](const Range& taps, int64_t begin, int64_t end) {
          tile.pixels = end - begin;
          tile.output_grad = output_grad_ + (line * shape_.out_width + begin) * c_;
          ForEachPart(taps.end - taps.begin, DepthwiseKernels::kMost, [&](int64_t first, int64_t last) {
            const int64_t tap = taps.begin + first;
            tile.input = InputOf(image) + lines_.Read(row, tap_row, begin, tap);
            tile.sums = sums + (tap_row * shape_.filter_width + tap) * c_;
            kernels_.gradient_tiles[last - first](tile);
          });
        });
      }
    }
  }

  const DepthwiseKernels& kernels_;
  const rn_convolution_shape& shape_;
  const Lines lines_;
  const float *input_, *output_grad_;
  const int64_t c_, size_, count_;
  int64_t chunks_, parts_;
  bool has_windows_;
};

}  // namespace

void DepthwiseFilterGradient(const rn_convolution_shape& shape, const float* input, const float* output_grad,
                             float* filter_grad) {
  FilterGradient(shape, input, output_grad).Run(filter_grad);
}

}  // namespace rn::cpu
