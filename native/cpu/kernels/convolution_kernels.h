// What the table of an instruction set has for convolutions.
#ifndef RETINANET_OPS_CONVOLUTION_KERNELS_H
#define RETINANET_OPS_CONVOLUTION_KERNELS_H

#include <cstdint>

namespace rn::cpu {

// What becomes of sums before they are stored. Both arrays, where there are any, have the output's layout, and begin
// with what belongs to its first value.
struct Finish {
  const float* addend;
  bool clamped;  // to [low, high]
  float low, high;
  const float* rectified;  // what a ReLU gave: its gradient is the last step

  bool ReadsMore() const { return addend || rectified; }
  Finish At(int64_t offset) const {
    Finish moved = *this;
    if (addend) moved.addend += offset;
    if (rectified) moved.rectified += offset;
    return moved;
  }
};

// Some pixels of one row of a convolution's output, some of its channels: the sum over filter_rows x taps x length
// products of the input, which lies `length` floats at a time, with the packed filter.
struct ConvolutionTile {
  const float* input;
  int64_t pixel_pitch, row_pitch, tap_pitch;  // floats from one pixel, row of the filter, tap of the row to the next
  int64_t filter_rows, taps, length;
  const float* packed;  // in order, for each product the tile's vectors
  const float* bias;    // the tile's vectors
  float* output;
  int64_t output_pitch;  // from pixel to pixel
  int64_t columns;       // channels that there are, at most the tile's vectors
  Finish finish;
};

// Some rows of a filter, that is input channels of a tap, by some output channels: the sum over pixels becomes `sums`,
// or is added to them.
struct FilterGradientTile {
  const float* input;
  int64_t row_pitch, pixel_pitch;
  int64_t rows, pixels;                    // of the output, and in each of its rows
  const float* packed;                     // gradients of the output, for each pixel the tile's vectors
  int64_t packed_pitch, packed_row_pitch;  // from pixel to pixel, from row to row
  float* sums;
  int64_t sums_pitch;
  bool adds;
};

// Winograd's F(2x2, 3x3): a tile of 2 x 2 outputs is transformed back from 16 products of a patch of 4 x 4 pixels with
// the filter, both transformed. There are at least as many channels as lanes.
struct WinogradPatch {
  static constexpr int64_t kSide = 4, kPoints = kSide * kSide;
  const float* pixels[kPoints];
  int64_t channels;
  float* points;  // [kPoints] rows of the channels
  int64_t point_pitch;
};

struct WinogradOutputs {
  const float* points;
  int64_t point_pitch;
  const float* bias;
  int64_t channels;
  float* output;
  int64_t row_pitch, pixel_pitch;
  int64_t rows, columns;  // of the tile that the image has
  Finish finish;
};

// Of the gradient by the filter: a tile of the output's gradient, and sums at the 16 points to nine places of the
// filter.
struct WinogradGrads {
  const float* pixels[4];
  int64_t filters;
  float* points;  // as a patch's
  int64_t point_pitch;
};

struct WinogradTaps {
  const float* points;
  int64_t point_pitch;
  int64_t filters;
  float* output;
  int64_t tap_pitch;
};

struct WinogradKernels {
  void (*patch)(const WinogradPatch&);
  // [9, count] to 16 rows of `count`, which is a multiple of the lanes.
  void (*filter)(const float* taps, int64_t count, float* points, int64_t point_pitch);
  void (*outputs)(const WinogradOutputs&);
  void (*grads)(const WinogradGrads&);
  void (*taps)(const WinogradTaps&);
};

struct ConvolutionKernels {
  static constexpr int kMostVectors = 3, kMostRows = 14;
  int lanes, most_vectors;
  int most_rows[kMostVectors + 1];  // by vectors
  // By vectors, and by pixels or rows.
  void (*tiles[kMostVectors + 1][kMostRows + 1])(const ConvolutionTile&);
  void (*filter_gradient_tiles[kMostVectors + 1][kMostRows + 1])(const FilterGradientTile&);
  WinogradKernels winograd;
};

}  // namespace rn::cpu

#endif
