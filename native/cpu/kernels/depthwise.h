// The innermost loops of depthwise convolutions, over the channels of some pixels. Where channels do not fill the last
// vector it begins sooner, over channels that it computes once more; fewer than a vector go one by one.
#ifndef RETINANET_OPS_KERNELS_DEPTHWISE_H
#define RETINANET_OPS_KERNELS_DEPTHWISE_H

#include <cstdint>

#include "kernels.h"
#include "vector.h"

namespace rn::cpu::RN_ISA {

inline void DepthwiseByChannel(const DepthwiseTile& tile, int pixels) {
  for (int pixel = 0; pixel < pixels; ++pixel) {
    for (int64_t channel = 0; channel < tile.channels; ++channel) {
      float sum = tile.bias[channel];
      for (int64_t row = 0; row < tile.filter_rows; ++row) {
        const float* const values = tile.input + row * tile.row_pitch + pixel * tile.pixel_pitch + channel;
        const float* const weights = tile.filter + row * tile.filter_pitch + channel;
        for (int64_t tap = 0; tap < tile.taps; ++tap) {
          sum += values[tap * tile.tap_pitch] * weights[tap * tile.channels];
        }
      }
      if (sum < tile.low) sum = tile.low;  // a NaN stays one
      if (sum > tile.high) sum = tile.high;
      tile.output[pixel * tile.output_pitch + channel] = sum;
    }
  }
}

// Adds what a row of the filter gives to pixels that lie beside each other as its places do: each value of the input is
// loaded once for all of them.
template <int kPixels, int kTaps>
RN_ALWAYS_INLINE void AddNeighbours(const float* values, const float* weights, const DepthwiseTile& tile,
                                    Float (&sums)[kPixels]) {
  Float weight[kTaps];
  RN_UNROLL_TILE for (int tap = 0; tap < kTaps; ++tap) weight[tap] = Load(weights + tap * tile.channels);
  RN_UNROLL_TILE for (int column = 0; column < kPixels + kTaps - 1; ++column) {
    const Float value = Load(values + column * tile.tap_pitch);
    RN_UNROLL_TILE for (int tap = 0; tap < kTaps; ++tap) {
      const int pixel = column - tap;
      if (pixel >= 0 && pixel < kPixels) sums[pixel] = Fma(value, weight[tap], sums[pixel]);
    }
  }
}

template <int kPixels>
void DepthwiseTileOf(const DepthwiseTile& tile) {
  constexpr int64_t kLanes = Float::kLanes;
  if (tile.channels < kLanes) return DepthwiseByChannel(tile, kPixels);
  const Float low(tile.low), high(tile.high);
  const int64_t neighbours = tile.pixel_pitch == tile.tap_pitch ? tile.taps : 0;
  for (int64_t next = 0; next < tile.channels; next += kLanes) {
    const int64_t first = next + kLanes <= tile.channels ? next : tile.channels - kLanes;
    Float sums[kPixels];
    RN_UNROLL_TILE for (int pixel = 0; pixel < kPixels; ++pixel) sums[pixel] = Load(tile.bias + first);
    for (int64_t row = 0; row < tile.filter_rows; ++row) {
      const float* values = tile.input + row * tile.row_pitch + first;
      const float* weights = tile.filter + row * tile.filter_pitch + first;
      if (neighbours == 3) {
        AddNeighbours<kPixels, 3>(values, weights, tile, sums);
        continue;
      }
      if (neighbours == 2) {
        AddNeighbours<kPixels, 2>(values, weights, tile, sums);
        continue;
      }
      for (int64_t tap = 0; tap < tile.taps; ++tap, values += tile.tap_pitch, weights += tile.channels) {
        const Float weight = Load(weights);
        RN_UNROLL_TILE for (int pixel = 0; pixel < kPixels; ++pixel) {
          sums[pixel] = Fma(Load(values + pixel * tile.pixel_pitch), weight, sums[pixel]);
        }
      }
    }
    RN_UNROLL_TILE for (int pixel = 0; pixel < kPixels; ++pixel) {
      Store(tile.output + pixel * tile.output_pitch + first, Min(high, Max(low, sums[pixel])));
    }
  }
}

inline void DepthwiseFilterGradientByChannel(const DepthwiseGradientTile& tile, int taps) {
  for (int tap = 0; tap < taps; ++tap) {
    for (int64_t channel = 0; channel < tile.channels; ++channel) {
      float sum = 0;
      for (int64_t pixel = 0; pixel < tile.pixels; ++pixel) {
        sum += tile.input[pixel * tile.pixel_pitch + tap * tile.tap_pitch + channel] *
               tile.output_grad[pixel * tile.channels + channel];
      }
      tile.sums[tap * tile.channels + channel] += sum;
    }
  }
}

// Adds sums of the channels from `first` on to those that are not before `next`.
RN_ALWAYS_INLINE void AddFrom(int64_t next, int64_t first, Float sums, float* out, int64_t channels) {
  if (first == next) {
    Store(out + first, Load(out + first) + sums);
    return;
  }
  float lanes[Float::kLanes];
  Store(lanes, sums);
  for (int64_t channel = next; channel < channels; ++channel) out[channel] += lanes[channel - first];
}

template <int kTaps>
void DepthwiseGradientTileOf(const DepthwiseGradientTile& tile) {
  constexpr int64_t kLanes = Float::kLanes;
  if (tile.channels < kLanes) return DepthwiseFilterGradientByChannel(tile, kTaps);
  for (int64_t next = 0; next < tile.channels; next += kLanes) {
    const int64_t first = next + kLanes <= tile.channels ? next : tile.channels - kLanes;
    Float sums[kTaps];
    RN_UNROLL_TILE for (int tap = 0; tap < kTaps; ++tap) sums[tap] = Float(0.0f);
    const float *values = tile.input + first, *grad = tile.output_grad + first;
    for (int64_t pixel = 0; pixel < tile.pixels; ++pixel, values += tile.pixel_pitch, grad += tile.channels) {
      const Float upstream = Load(grad);
      RN_UNROLL_TILE for (int tap = 0; tap < kTaps; ++tap) {
        sums[tap] = Fma(Load(values + tap * tile.tap_pitch), upstream, sums[tap]);
      }
    }
    RN_UNROLL_TILE for (int tap = 0; tap < kTaps; ++tap) {
      AddFrom(next, first, sums[tap], tile.sums + tap * tile.channels, tile.channels);
    }
  }
}

// The sums of all places of a window, and what adds to them.
template <int kRows>
struct WindowSums {
  static constexpr int kTaps = DepthwiseWindows::kTaps;
  Float of[kRows][kTaps];

  RN_ALWAYS_INLINE WindowSums() {
    RN_UNROLL_TILE for (int row = 0; row < kRows; ++row) {
      RN_UNROLL_TILE for (int tap = 0; tap < kTaps; ++tap) of[row][tap] = Float(0.0f);
    }
  }
  RN_ALWAYS_INLINE void Add(int tap, const float* values, int64_t row_pitch, Float grad) {
    RN_UNROLL_TILE for (int row = 0; row < kRows; ++row) {
      of[row][tap] = Fma(Load(values + row * row_pitch), grad, of[row][tap]);
    }
  }
  // A column of the input for three pixels that read it, the first of them by its last place.
  RN_ALWAYS_INLINE void AddColumn(const float* values, int64_t row_pitch, Float grad0, Float grad1, Float grad2) {
    RN_UNROLL_TILE for (int row = 0; row < kRows; ++row) {
      const Float value = Load(values + row * row_pitch);
      of[row][2] = Fma(value, grad0, of[row][2]);
      of[row][1] = Fma(value, grad1, of[row][1]);
      of[row][0] = Fma(value, grad2, of[row][0]);
    }
  }
};

// Columns of the input, each of which is loaded once.
template <int kRows>
RN_ALWAYS_INLINE void AddLineByColumns(const DepthwiseWindows& windows, const float* input, const float* grad,
                                       WindowSums<kRows>& sums) {
  const int64_t c = windows.channels, pad = windows.pad, width = windows.width, outputs = windows.out_width;
  // Columns that three pixels read.
  const int64_t first = pad < 2 ? 2 - pad : 0, last = outputs - pad < width ? outputs - pad : width;
  const auto edge = [&](int64_t column) {
    RN_UNROLL_TILE for (int tap = 0; tap < 3; ++tap) {
      const int64_t pixel = column + pad - tap;
      if (pixel < 0 || pixel >= outputs) continue;
      sums.Add(tap, input + column * c, windows.row_pitch, Load(grad + pixel * c));
    }
  };
  if (last <= first) {
    for (int64_t column = 0; column < width; ++column) edge(column);
    return;
  }
  for (int64_t column = 0; column < first; ++column) edge(column);
  const float *values = input + first * c, *next = grad + (first + pad) * c;
  Float grad0 = Load(next - 2 * c), grad1 = Load(next - c);
  for (int64_t column = first; column < last; ++column, values += c, next += c) {
    const Float grad2 = Load(next);
    sums.AddColumn(values, windows.row_pitch, grad0, grad1, grad2);
    grad0 = grad1;
    grad1 = grad2;
  }
  for (int64_t column = last; column < width; ++column) edge(column);
}

template <int kRows>
RN_ALWAYS_INLINE void AddLineByPixels(const DepthwiseWindows& windows, const float* input, const float* grad,
                                      WindowSums<kRows>& sums) {
  const int64_t c = windows.channels;
  for (int64_t pixel = 0; pixel < windows.out_width; ++pixel, grad += c) {
    const Float upstream = Load(grad);
    const int64_t left = pixel * windows.stride - windows.pad;
    RN_UNROLL_TILE for (int tap = 0; tap < 3; ++tap) {
      if (left + tap < 0 || left + tap >= windows.width) continue;
      sums.Add(tap, input + (left + tap) * c, windows.row_pitch, upstream);
    }
  }
}

template <int kRows, bool kByColumns>
void WindowGradientOf(const DepthwiseWindows& given) {
  const DepthwiseWindows windows = given;  // which no store changes
  constexpr int64_t kLanes = Float::kLanes;
  for (int64_t next = windows.first; next < windows.end; next += kLanes) {
    const int64_t first = next + kLanes <= windows.channels ? next : windows.channels - kLanes;
    WindowSums<kRows> sums;
    for (int64_t line = 0; line < windows.lines; ++line) {
      const float* const input = windows.input + line * windows.line_pitch + first;
      const float* const grad = windows.output_grad + line * windows.out_width * windows.channels + first;
      if constexpr (kByColumns) {
        AddLineByColumns<kRows>(windows, input, grad, sums);
      } else {
        AddLineByPixels<kRows>(windows, input, grad, sums);
      }
    }
    RN_UNROLL_TILE for (int row = 0; row < kRows; ++row) {
      RN_UNROLL_TILE for (int tap = 0; tap < 3; ++tap) {
        AddFrom(next, first, sums.of[row][tap], windows.sums + (row * 3 + tap) * windows.channels, windows.channels);
      }
    }
  }
}

template <int kRows = 1>
constexpr void FillWindows(DepthwiseKernels& kernels) {
  if constexpr (kRows <= DepthwiseWindows::kMostRows) {
    kernels.window_gradients[0][kRows] = WindowGradientOf<kRows, false>;
    kernels.window_gradients[1][kRows] = WindowGradientOf<kRows, true>;
    FillWindows<kRows + 1>(kernels);
  }
}

template <int kSize = 1>
constexpr void FillDepthwise(DepthwiseKernels& kernels) {
  if constexpr (kSize <= DepthwiseKernels::kMost) {
    kernels.tiles[kSize] = DepthwiseTileOf<kSize>;
    kernels.gradient_tiles[kSize] = DepthwiseGradientTileOf<kSize>;
    FillDepthwise<kSize + 1>(kernels);
  }
}

constexpr DepthwiseKernels MakeDepthwiseKernels() {
  DepthwiseKernels kernels{};
  kernels.lanes = Float::kLanes;
  FillDepthwise(kernels);
  FillWindows(kernels);
  return kernels;
}

}  // namespace rn::cpu::RN_ISA

#endif
