// The gradient of depthwise convolutions by filters of three places a row: as many rows as registers hold the sums of.
#ifndef RETINANET_OPS_KERNELS_DEPTHWISE_WINDOWS_H
#define RETINANET_OPS_KERNELS_DEPTHWISE_WINDOWS_H

#include <cstdint>

#include "kernels.h"
#include "vector.h"

namespace rn::cpu::RN_ISA {

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
      Float value = Load(values + row * row_pitch);
      RN_KEEP_VECTOR(value);
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

}  // namespace rn::cpu::RN_ISA

#endif
