// Convolutions of 3 x 3 filters with 2.25 times fewer multiplications.
#ifndef RETINANET_OPS_CPU_WINOGRAD_H
#define RETINANET_OPS_CPU_WINOGRAD_H

#include "packed_convolution.h"

namespace rn::cpu {

// Whether it can be done and takes less time; by the shape alone, so that results do not depend on threads.
bool PrefersWinograd(const ConvolutionKernels& kernels, const rn_convolution_shape& shape);

// Winograd's F(2x2, 3x3). Its transforms mix the pixels of a tile of 2 x 2 outputs: what is not finite in what one of them
// reads becomes NaN in all four.
void RunWinograd(const ConvolutionKernels& kernels, const PackedConvolution& op);

}  // namespace rn::cpu

#endif
