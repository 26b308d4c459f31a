// Convolutions of 3 x 3 filters with 2.25 times fewer multiplications.
#ifndef RETINANET_OPS_CPU_WINOGRAD_H
#define RETINANET_OPS_CPU_WINOGRAD_H

#include "packed_convolution.h"

namespace rn::cpu {

// Whether it can be done and takes less time; by the shape and the instruction set alone, so that results do not depend
// on threads.
bool PrefersWinograd(const ConvolutionKernels& kernels, const rn_convolution_shape& shape);

// Winograd's F(2x2, 3x3) (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015). What is not
// finite reaches the outputs that read it and no others, as in direct sums, but the transforms subtract: NaN often
// stands where the sum would be infinite, and values above a quarter of float32's largest may overflow.
void RunWinograd(const ConvolutionKernels& kernels, const PackedConvolution& op);

// The same of the gradient by the filter, F(3x3, 2x2): what is not finite reaches all nine places between its channels.
bool PrefersWinogradFilterGrad(const ConvolutionKernels& kernels, const rn_convolution_shape& shape);
void RunWinogradFilterGrad(const ConvolutionKernels& kernels, const rn_convolution_filter_grad& op);

}  // namespace rn::cpu

#endif
