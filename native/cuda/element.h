// Element types of a network's outputs.
#ifndef RETINANET_OPS_CUDA_ELEMENT_H
#define RETINANET_OPS_CUDA_ELEMENT_H

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "../backend/backend.h"

namespace rn::cuda {

__device__ inline float ToFloat(float value) { return value; }
__device__ inline float ToFloat(__half value) { return __half2float(value); }
__device__ inline float ToFloat(__nv_bfloat16 value) { return __bfloat162float(value); }

// Calls body(array) with the pointer's true type.
template <class Body>
void WithElementType(rn_dtype dtype, const void* array, const Body& body) {
  if (dtype == RN_FLOAT16) return body(static_cast<const __half*>(array));
  if (dtype == RN_BFLOAT16) return body(static_cast<const __nv_bfloat16*>(array));
  body(static_cast<const float*>(array));
}

}  // namespace rn::cuda

#endif
