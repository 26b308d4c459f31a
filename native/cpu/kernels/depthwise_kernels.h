// What the table of an instruction set has for depthwise convolutions.
#ifndef RETINANET_OPS_DEPTHWISE_KERNELS_H
#define RETINANET_OPS_DEPTHWISE_KERNELS_H

#include <cstdint>

namespace rn::cpu {

// Some pixels of a row of a depthwise convolution's output, all channels; the places of the filter that all of them
// find in the image.
struct DepthwiseTile {
  const float* input;
  int64_t pixel_pitch, row_pitch, tap_pitch;  // floats from one pixel, row of the filter, tap of the row to the next
  int64_t filter_rows, taps;
  const float* filter;
  int64_t filter_pitch;  // from row to row; taps are `channels` apart
  const float* bias;     // [channels]
  int64_t channels;
  float* output;
  int64_t output_pitch;  // from pixel to pixel
  float low, high;       // what it is clamped to
};

// Some taps of a row of the filter: added to `sums` is the sum over pixels that lie side by side in the output.
struct DepthwiseGradientTile {
  const float* input;
  int64_t pixel_pitch, tap_pitch;
  const float* output_grad;
  int64_t pixels, channels;
  float* sums;
};

// Up to three rows of a filter of three places each, whose dilation along rows is 1: added to `sums` [rows, 3,
// channels] is the sum over some lines of the output, for the channels [first, end).
struct DepthwiseWindows {
  static constexpr int kTaps = 3, kMostRows = 3;
  const float* input;             // of the first line, for the first row of the filter: column 0 of the image
  int64_t row_pitch, line_pitch;  // from a row of the filter, and from a line of the output, to the next
  const float* output_grad;
  int64_t lines, width, out_width, stride, pad;
  int64_t channels, first, end;  // at least as many channels as lanes
  float* sums;
};

// Two rows of an input's gradient, whose pixels the places of 3 x 3 filters meet two by two: of each axis, one pixel
// meets the first place of an output and the last of the one before, and the next the middle of the former. The pairs
// [first, end) of columns; either row of both sides is null where there is none.
struct DepthwiseInputPairs {
  const float *above, *at;  // of the output's gradient: column 0
  const float* filter;
  float *even, *odd;  // of the input's: column 0
  int64_t first, end;
  int64_t width, out_width, pad;  // a pair's first column is 2 * pair - pad
  int64_t channels;               // at least as many as lanes
};

struct DepthwiseKernels {
  static constexpr int kMost = 8;  // pixels of a tile, or taps of a gradient's
  int lanes;
  void (*tiles[kMost + 1])(const DepthwiseTile&);
  void (*gradient_tiles[kMost + 1])(const DepthwiseGradientTile&);
  // By the filter's rows, of three places each that pixels move over by two; at least as many channels as lanes.
  void (*by_two[DepthwiseWindows::kMostRows + 1])(const DepthwiseTile&, int64_t pixels);
  void (*input_pairs)(const DepthwiseInputPairs&);
  // By whether the stride is 1, and by rows.
  void (*window_gradients[2][DepthwiseWindows::kMostRows + 1])(const DepthwiseWindows&);
};

}  // namespace rn::cpu

#endif
