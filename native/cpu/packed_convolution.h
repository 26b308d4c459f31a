// A convolution of a filter that is packed for its tiles: what a convolution and its gradient by the input have in
// common.
#ifndef RETINANET_OPS_CPU_PACKED_CONVOLUTION_H
#define RETINANET_OPS_CPU_PACKED_CONVOLUTION_H

#include "convolution.h"

namespace rn::cpu {

// A filter in whatever order: its first value, and how many floats from there to the next of each axis.
struct FilterSource {
  const float* values;
  int64_t row_step, column_step, channel_step, filter_step;

  const float* At(int64_t row, int64_t column, int64_t channel) const {
    return values + row * row_step + column * column_step + channel * channel_step;
  }
};

// Packs the channels from `first` on of one of the filter's places by a group's filters.
inline void PackTap(const ChannelGroups& groups, int64_t group, const FilterSource& filter, const float* first,
                    int64_t channels, float* out) {
  PackGroup(groups, group, channels, {first, filter.channel_step, filter.filter_step}, out);
}

// A convolution whose output's pixels need not lie side by side.
struct PackedConvolution {
  rn_convolution_shape shape;
  const float* input;
  FilterSource filter;
  const float* bias;  // by the groups of shape.filters
  Finish finish;
  float* output;
  int64_t image_pitch, row_pitch, pixel_pitch;  // of the output
};

// By Winograd's tiles (winograd.h) where they take less time. Otherwise blocks of rows of an image go to threads; of a
// block each group of channels and each row is cut into tiles that fill the registers (kernels/convolution.h). Either
// way every output is computed by one tile: results do not depend on threads.
void Run(const ConvolutionKernels& kernels, PackedConvolution op);

}  // namespace rn::cpu

#endif
