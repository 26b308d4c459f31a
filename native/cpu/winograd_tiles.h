// The tiles of 2 x 2 outputs into which Winograd's convolutions cut images, and the patches of 4 x 4 pixels that they
// read.
#ifndef RETINANET_OPS_CPU_WINOGRAD_TILES_H
#define RETINANET_OPS_CPU_WINOGRAD_TILES_H

#include "convolution.h"

namespace rn::cpu {

// From a point to the next: lines of the cache, an odd number, as 16 points would take turns in it otherwise.
inline int64_t PointPitch(int64_t floats) {
  constexpr int64_t kLine = 16;
  return (NumBlocks(floats, kLine) | 1) * kLine;
}

constexpr int64_t kFilterSide = 3, kTaps = kFilterSide * kFilterSide;

// Filters of 3 x 3 that move by one pixel.
inline bool CanBeWinograd(const rn_convolution_shape& shape) {
  return shape.filter_height == kFilterSide && shape.filter_width == kFilterSide && shape.stride_height == 1 &&
         shape.stride_width == 1 && shape.dilation_height == 1 && shape.dilation_width == 1;
}

class WinogradTiles {
 public:
  static constexpr int64_t kSide = 2;  // of a tile

  // `most_channels`: of a patch, and of a tile.
  WinogradTiles(const rn_convolution_shape& shape, int64_t most_channels)
      : shape_(shape),
        rows_(NumBlocks(shape.out_height, kSide)),
        columns_(NumBlocks(shape.out_width, kSide)),
        zeros_(static_cast<size_t>(most_channels)) {}

  static int64_t Count(const rn_convolution_shape& shape) {
    return shape.images * NumBlocks(shape.out_height, kSide) * NumBlocks(shape.out_width, kSide);
  }
  int64_t count() const { return shape_.images * rows_ * columns_; }
  const float* zeros() const { return zeros_.data(); }

  struct Place {
    int64_t image, row, column;  // of a tile's first output
  };
  // Calls visit(index, place) for `count` tiles, taken from all images in order, from `first` on.
  template <class Visit>
  void ForEach(int64_t first, int64_t count, const Visit& visit) const {
    const int64_t row = first / columns_;
    Place place{row / rows_, row % rows_ * kSide, first % columns_ * kSide};
    for (int64_t i = 0; i < count; ++i) {
      visit(i, place);
      place.column += kSide;
      if (place.column < shape_.out_width) continue;
      place.column = 0;
      place.row += kSide;
      if (place.row < shape_.out_height) continue;
      place.row = 0;
      ++place.image;
    }
  }

  // Points pixels[kSize][kSize] at the channels from `first` on of what a tile reads.
  void FindPatch(const float* input, const Place& place, int64_t first, const float** pixels) const {
    Find<WinogradPatch::kSide>({input, shape_.height, shape_.width, shape_.channels},
                               {place.image, place.row - shape_.pad_top, place.column - shape_.pad_left}, first,
                               pixels);
  }
  // And at those of the tile itself, in an array of the output's shape.
  void FindTile(const float* output, const Place& place, int64_t first, const float** pixels) const {
    Find<kSide>({output, shape_.out_height, shape_.out_width, shape_.filters}, place, first, pixels);
  }

 private:
  struct Images {
    const float* values;
    int64_t height, width, channels;
  };
  // Zeros where there is no pixel.
  template <int64_t kSize>
  void Find(const Images& images, const Place& place, int64_t first, const float** pixels) const {
    const auto [values, height, width, channels] = images;
    const auto [image, top, left] = place;
    const int64_t begin = ((image * height + top) * width + left) * channels + first;
    const bool is_inside = top >= 0 && top + kSize <= height && left >= 0 && left + kSize <= width;
    for (int64_t i = 0; i < kSize; ++i) {
      for (int64_t j = 0; j < kSize; ++j) {
        const int64_t row = top + i, column = left + j;
        const bool is_pixel = is_inside || (row >= 0 && row < height && column >= 0 && column < width);
        pixels[i * kSize + j] = is_pixel ? values + (begin + (i * width + j) * channels) : zeros();
      }
    }
  }

  const rn_convolution_shape& shape_;
  const int64_t rows_, columns_;
  const std::vector<float> zeros_;
};

}  // namespace rn::cpu

#endif
