// Pooling, resizing and batch normalization: what one pixel's channels, which lie side by side, go through.
#ifndef RETINANET_OPS_KERNELS_PIXELS_H
#define RETINANET_OPS_KERNELS_PIXELS_H

#include "elementwise.h"

namespace rn::cpu::RN_ISA {

RN_HD Float LeastFloat() { return Float(0.0f) - (Float(3.40282347e38f) + Float(3.40282347e38f)); }

// A NaN is not larger than anything.
RN_NOINLINE void MaxOfWindow(const PoolWindow& window, float* output) {
  ForEachVector(window.channels, [&](int64_t i, auto load, auto store) {
    Float best = LeastFloat();
    for (int64_t row = 0; row < window.rows; ++row) {
      const float* const values = window.input + row * window.row_pitch + i;
      for (int64_t column = 0; column < window.columns; ++column) {
        const Float value = load(values + column * window.column_pitch);
        best = Select(value > best, value, best);
      }
    }
    store(output + i, best);
  });
}

RN_NOINLINE void MeanOfWindow(const PoolWindow& window, float* output) {
  const Float count(window.count);
  ForEachVector(window.channels, [&](int64_t i, auto load, auto store) {
    Float sum(0.0f);
    for (int64_t row = 0; row < window.rows; ++row) {
      const float* const values = window.input + row * window.row_pitch + i;
      for (int64_t column = 0; column < window.columns; ++column)
        sum = sum + load(values + column * window.column_pitch);
    }
    store(output + i, sum / count);
  });
}

// Adds the gradient of one output to that of the first largest value of its window, row by row, where that is one of
// the rows [first, end) of the window.
RN_NOINLINE void SpreadToMax(const PoolWindow& window, int64_t first, int64_t end, const float* output_grad,
                             float* grad) {
  ForEachVector(window.channels, [&](int64_t i, auto load, auto store) {
    Float best = LeastFloat(), place(-1.0f), at(0.0f);
    for (int64_t row = 0; row < window.rows; ++row) {
      const float* const values = window.input + row * window.row_pitch + i;
      for (int64_t column = 0; column < window.columns; ++column, at = at + Float(1.0f)) {
        const Float value = load(values + column * window.column_pitch);
        const Mask is_larger = value > best;
        place = Select(is_larger, at, place);
        best = Select(is_larger, value, best);
      }
    }
    const Float dy = load(output_grad + i);
    at = Float(static_cast<float>(first * window.columns));
    for (int64_t row = first; row < end; ++row) {
      float* const to = grad + row * window.row_pitch + i;
      for (int64_t column = 0; column < window.columns; ++column, at = at + Float(1.0f)) {
        float* const p = to + column * window.column_pitch;
        store(p, load(p) + Select(place == at, dy, Float(0.0f)));
      }
    }
  });
}

// The same of means: to all.
RN_NOINLINE void SpreadToAll(const PoolWindow& window, int64_t first, int64_t end, const float* output_grad,
                             float* grad) {
  const Float count(window.count);
  ForEachVector(window.channels, [&](int64_t i, auto load, auto store) {
    const Float dy = load(output_grad + i) / count;
    for (int64_t row = first; row < end; ++row) {
      float* const to = grad + row * window.row_pitch + i;
      for (int64_t column = 0; column < window.columns; ++column) {
        float* const p = to + column * window.column_pitch;
        store(p, load(p) + dy);
      }
    }
  });
}

// Between four corners: by `right` of the way to the right, and by `down`.
RN_NOINLINE void BlendCorners(const float* const (&corners)[4], float right, float down, int64_t channels,
                              float* output) {
  const Float across(right), along(down);
  ForEachVector(channels, [&](int64_t i, auto load, auto store) {
    const Float top_left = load(corners[0] + i), bottom_left = load(corners[2] + i);
    const Float top = Fma(load(corners[1] + i) - top_left, across, top_left);
    const Float bottom = Fma(load(corners[3] + i) - bottom_left, across, bottom_left);
    store(output + i, Fma(bottom - top, along, top));
  });
}

RN_NOINLINE void AddScaled(const float* input, float factor, int64_t channels, float* output) {
  const Float by(factor);
  ForEachVector(channels, [&](int64_t i, auto load, auto store) {
    store(output + i, Fma(load(input + i), by, load(output + i)));
  });
}

RN_NOINLINE void NormalizePixel(const NormalizedChannels& of, const float* input, float* output) {
  ForEachVector(of.channels, [&](int64_t i, auto load, auto store) {
    store(output + i, Fma(load(input + i) - load(of.mean + i), load(of.factor + i), load(of.offset + i)));
  });
}

// Sums over pixels of dy and of dy (x - mean), by channels, added to `sums` [2, channels].
RN_NOINLINE void NormalizationSums(const NormalizedChannels& of, const float* input, const float* output_grad,
                                   int64_t pixels, double* sums) {
  ForEachVector(of.channels, [&](int64_t i, auto load, auto) {
    Sum of_grad, of_product;
    const Float mean = load(of.mean + i);
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
      const Float dy = load(output_grad + pixel * of.channels + i);
      of_grad.Add(dy);
      of_product.Add(dy * (load(input + pixel * of.channels + i) - mean));
    }
    double lanes[2][Float::kLanes] = {};
    of_grad.AddTo(lanes[0]);
    of_product.AddTo(lanes[1]);
    const int64_t count = of.channels - i < Float::kLanes ? of.channels - i : Float::kLanes;
    for (int64_t k = 0; k < 2 * count; ++k)
      sums[k / count * of.channels + i + k % count] += lanes[k / count][k % count];
  });
}

constexpr PixelKernels kPixels = {{MaxOfWindow, MeanOfWindow},
                                  {SpreadToMax, SpreadToAll},
                                  BlendCorners,
                                  AddScaled,
                                  NormalizePixel,
                                  NormalizationSums};

}  // namespace rn::cpu::RN_ISA

#endif
