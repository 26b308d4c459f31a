// The element types of a network's outputs, and float32, in which arithmetic is done.
#ifndef RETINANET_OPS_CUDA_ELEMENTS_H
#define RETINANET_OPS_CUDA_ELEMENTS_H

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "context.h"

namespace rn::cuda {

__device__ inline float ToFloat(float value) { return value; }
__device__ inline float ToFloat(__half value) { return __half2float(value); }
__device__ inline float ToFloat(__nv_bfloat16 value) { return __bfloat162float(value); }

template <class T>
__device__ inline T FromFloat(float value) {
  if constexpr (std::is_same_v<T, float>) {
    return value;
  } else if constexpr (std::is_same_v<T, __half>) {
    return __float2half_rn(value);
  } else {
    return __float2bfloat16_rn(value);
  }
}

}  // namespace rn::cuda

#endif
