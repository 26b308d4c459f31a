// Depthwise convolutions of one filter a channel: what the rows of an output read, and the gradient by the filters.
#ifndef RETINANET_OPS_CPU_DEPTHWISE_H
#define RETINANET_OPS_CPU_DEPTHWISE_H

#include "convolution.h"

namespace rn::cpu {

// What the rows of an output read.
class Lines {
 public:
  explicit Lines(const rn_convolution_shape& shape)
      : shape_(shape),
        rows_(TapsOf(shape.height, shape.filter_height, shape.stride_height, shape.dilation_height, shape.pad_top,
                     shape.out_height)),
        columns_(TapsOf(shape.width, shape.filter_width, shape.stride_width, shape.dilation_width, shape.pad_left,
                        shape.out_width)) {}

  const Range& rows(int64_t row) const { return rows_[static_cast<size_t>(row)]; }

  // Visits runs of at most `most` pixels that read the same places of the filter.
  template <class Visit>
  void ForEachRun(int64_t most, const Visit& visit) const {
    for (int64_t begin = 0; begin < shape_.out_width;) {
      const Range& taps = columns_[static_cast<size_t>(begin)];
      int64_t end = begin + 1;
      while (end < shape_.out_width && end - begin < most && columns_[static_cast<size_t>(end)] == taps) ++end;
      visit(taps, begin, end);
      begin = end;
    }
  }

  // From the image's first float to what an output reads for a place of the filter.
  int64_t Read(int64_t row, int64_t tap_row, int64_t column, int64_t tap) const {
    const int64_t y = row * shape_.stride_height - shape_.pad_top + tap_row * shape_.dilation_height;
    const int64_t x = column * shape_.stride_width - shape_.pad_left + tap * shape_.dilation_width;
    return (y * shape_.width + x) * shape_.channels;
  }

 private:
  // The places of the filter that each output finds within the image, along one axis.
  static std::vector<Range> TapsOf(int64_t size, int64_t filter, int64_t stride, int64_t dilation, int64_t pad,
                                   int64_t outputs) {
    std::vector<Range> taps;
    for (int64_t i = 0; i < outputs; ++i) taps.push_back(Within(size, pad - i * stride, dilation, {0, filter}));
    return taps;
  }

  const rn_convolution_shape& shape_;
  std::vector<Range> rows_, columns_;
};

// Sums in parts that depend on the problem alone. No size is 0.
void DepthwiseFilterGradient(const rn_convolution_shape& shape, const float* input, const float* output_grad,
                             float* filter_grad);

// The gradient by the input in another way than phase by phase, where filters and strides allow. No size is 0.
bool HasInputPairs(const rn_convolution_shape& shape);
void DepthwiseGradientOfPairs(const rn_convolution_shape& shape, const float* output_grad, const float* filter,
                              float* input_grad);

}  // namespace rn::cpu

#endif
