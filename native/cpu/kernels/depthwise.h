// The innermost loops of depthwise convolutions, over the channels of some pixels. Where channels do not fill the last
// vector it begins sooner, over channels that it computes once more; fewer than a vector go one by one.
#ifndef RETINANET_OPS_KERNELS_DEPTHWISE_H
#define RETINANET_OPS_KERNELS_DEPTHWISE_H

#include <cstdint>

#include "depthwise_by_two.h"
#include "depthwise_windows.h"
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
    Float value = Load(values + column * tile.tap_pitch);
    RN_KEEP_VECTOR(value);
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

template <int kRows = 1>
constexpr void FillWindows(DepthwiseKernels& kernels) {
  if constexpr (kRows <= DepthwiseWindows::kMostRows) {
    kernels.by_two[kRows] = DepthwiseByTwoOf<kRows>;
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
  kernels.input_pairs = InputPairs;
  FillDepthwise(kernels);
  FillWindows(kernels);
  return kernels;
}

}  // namespace rn::cpu::RN_ISA

#endif
