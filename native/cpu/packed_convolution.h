// A convolution of a filter that is packed for its tiles: what a convolution and its gradient by the input have in
// common.
#ifndef RETINANET_OPS_CPU_PACKED_CONVOLUTION_H
#define RETINANET_OPS_CPU_PACKED_CONVOLUTION_H

#include "convolution.h"

namespace rn::cpu {

// A convolution whose filter is packed, and whose output's pixels need not lie side by side.
struct PackedConvolution {
  rn_convolution_shape shape;
  const float* input;
  const float *packed, *bias;  // by the groups of shape.filters
  bool clamped;
  float low, high;
  float* output;
  int64_t image_pitch, row_pitch, pixel_pitch;  // of the output
};

// Blocks of rows of an image go to threads; of a block each group of channels and each row is cut into tiles that fill
// the registers (kernels/convolution.h). Every output is computed by one tile: results do not depend on threads.
void RunDirect(const ConvolutionKernels& kernels, const PackedConvolution& op);
// The same, by Winograd's tiles (winograd.h) where they take less time.
void Run(const ConvolutionKernels& kernels, const PackedConvolution& op);

// A filter in whatever order: where a row and column of it stand, and how far apart their channels and filters.
template <class Tap>
struct FilterSource {
  Tap tap;
  int64_t channel_step, filter_step;
};

// `op` lacks the packed filter.
template <class Tap>
void Run(const ConvolutionKernels& kernels, PackedConvolution op, const FilterSource<Tap>& filter) {
  const FilterWindow window = CropFilter(&op.shape);
  const ChannelGroups groups(kernels, op.shape.filters);
  const int64_t products = op.shape.filter_height * op.shape.filter_width * op.shape.channels;
  const ScratchFloats packed = Floats(products * groups.padded());
  const auto source = [&](int64_t product) {
    const int64_t tap = product / op.shape.channels;
    return filter.tap(window.first_row + tap / op.shape.filter_width,
                      window.first_column + tap % op.shape.filter_width) +
           product % op.shape.channels * filter.channel_step;
  };
  Pack(groups, products, filter.filter_step, source, packed.get());
  op.packed = packed.get();
  Run(kernels, op);
}

}  // namespace rn::cpu

#endif
