// What convolutions and their gradients share: how channels are cut into tiles, packing, padding, scratch memory.
#ifndef RETINANET_OPS_CPU_CONVOLUTION_H
#define RETINANET_OPS_CPU_CONVOLUTION_H

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "../backend/parameters.h"
#include "../threads/thread_pool.h"
#include "kernels/kernels.h"
#include "range.h"
#include "scratch.h"
#include "transpose.h"

namespace rn::cpu {

// Work is cut by the problem alone, for the same results on any number of threads: into tasks enough for many of them,
// each of which has so many products.
constexpr int64_t kMostTasks = 32;
constexpr int64_t kLeastProducts = int64_t{1} << 22;

// Channels of an output in groups of one to most_vectors vectors, as even as can be.
class ChannelGroups {
 public:
  ChannelGroups(const ConvolutionKernels& kernels, int64_t channels)
      : lanes_(kernels.lanes),
        channels_(channels),
        vectors_((channels + lanes_ - 1) / lanes_),
        count_((vectors_ + kernels.most_vectors - 1) / kernels.most_vectors) {}

  int64_t count() const { return count_; }
  // Channels, those included that only fill the last vector.
  int64_t padded() const { return vectors_ * lanes_; }
  int vectors(int64_t group) const { return static_cast<int>(FirstVector(group + 1) - FirstVector(group)); }
  int64_t first(int64_t group) const { return FirstVector(group) * lanes_; }
  int64_t width(int64_t group) const { return vectors(group) * lanes_; }
  int64_t columns(int64_t group) const { return std::min(width(group), channels_ - first(group)); }

 private:
  int64_t FirstVector(int64_t group) const { return vectors_ * group / count_; }

  int64_t lanes_, channels_, vectors_, count_;
};

// Packs a group's columns of a matrix of `rows` by the groups' channels, row after row. One of the steps, from row to
// row and from channel to channel, is 1.
struct PackedSource {
  const float* first;
  int64_t row_step, channel_step;
};
inline void PackGroup(const ChannelGroups& groups, int64_t group, int64_t rows, const PackedSource& source,
                      float* out) {
  const int64_t width = groups.width(group), columns = groups.columns(group);
  const float* const from = source.first + groups.first(group) * source.channel_step;
  if (source.channel_step == 1) {
    for (int64_t row = 0; row < rows; ++row) {
      std::memcpy(out + row * width, from + row * source.row_step, static_cast<size_t>(columns) * sizeof(float));
    }
  } else {
    Transpose(from, source.channel_step, rows, columns, out, width);
  }
  if (columns == width) return;
  for (int64_t row = 0; row < rows; ++row) std::fill(out + row * width + columns, out + (row + 1) * width, 0.0f);
}

// Of an input gradient along one axis: the pixels `first`, first + stride, ... of the input. They meet the same `count`
// places of the filter, every step-th from first_tap on, which makes a dense convolution of the output's gradient,
// turned around.
struct Phase {
  int64_t first, pixels;
  int64_t first_tap, step, count;
  int64_t dilation, pad;  // of the dense convolution
};
std::vector<Phase> PhasesOf(int64_t size, int64_t filter, int64_t stride, int64_t dilation, int64_t pad);
bool HasGap(const std::vector<Phase>& phases);
// The dense convolution of a phase along each axis, of channels of the output's gradient to those of the input's.
rn_convolution_shape DenseShape(const rn_convolution_shape& shape, const Phase& y, const Phase& x, int64_t channels,
                                int64_t filters);

// Calls visit(first, end) for parts of [0, count) of at most `most`, as even as can be.
template <class Visit>
void ForEachPart(int64_t count, int64_t most, const Visit& visit) {
  const int64_t parts = NumBlocks(count, most);
  for (int64_t i = 0; i < parts; ++i) {
    const Range part = PartOf(count, i, parts);
    visit(part.begin, part.end);
  }
}

// Where a filter is as wide as its stride, and so is the image a multiple of it, columns that go into one output are as
// good as channels, of which many fill vectors better than few: the same arrays by another shape.
inline rn_convolution_shape MergeColumns(rn_convolution_shape shape) {
  const int64_t merged = shape.stride_width;
  if (shape.filter_width != merged || shape.dilation_width != 1 || shape.pad_left != 0) return shape;
  if (shape.width != shape.out_width * merged) return shape;
  shape.channels *= merged;
  shape.width = shape.out_width;
  shape.filter_width = shape.stride_width = 1;
  return shape;
}

// The rows and columns of a filter that some output finds within the image.
struct FilterWindow {
  int64_t first_row, first_column;
};

// Leaves of the shape's filter the window alone, which bounds what is read beyond the image by the image's size,
// whatever the filter's or the dilations are. An empty window has no rows, but a column.
FilterWindow CropFilter(rn_convolution_shape* shape);

// Rows of the input that some rows of the output need and that the image has.
inline Range RowsRead(const rn_convolution_shape& shape, int64_t first, int64_t last) {
  const int64_t begin = std::clamp<int64_t>(first * shape.stride_height - shape.pad_top, 0, shape.height);
  const int64_t end =
      last * shape.stride_height - shape.pad_top + (shape.filter_height - 1) * shape.dilation_height + 1;
  return {begin, std::clamp(end, begin, shape.height)};
}
// The most of them that any `rows` of the output need.
inline int64_t MostRowsRead(const rn_convolution_shape& shape, int64_t rows) {
  const int64_t needed = (rows - 1) * shape.stride_height + (shape.filter_height - 1) * shape.dilation_height + 1;
  return std::clamp<int64_t>(needed, 0, shape.height);
}
// Columns that a row of the output needs.
inline int64_t WidthRead(const rn_convolution_shape& shape) {
  return (shape.out_width - 1) * shape.stride_width + (shape.filter_width - 1) * shape.dilation_width + 1;
}
inline bool NeedsPadding(const rn_convolution_shape& shape) {
  return shape.pad_left != 0 || WidthRead(shape) > shape.width;
}

// Rows of an image, pad_left columns of zeros before each (or fewer of the image), and `width` columns in all.
void PadRows(const float* image, const rn_convolution_shape& shape, const Range& rows, int64_t width, float* out);

}  // namespace rn::cpu

#endif
