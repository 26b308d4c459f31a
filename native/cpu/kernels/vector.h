// The vector type of the instruction set that this source is being compiled for: RN_ISA names its namespace.
#ifndef RETINANET_OPS_VECTOR_H
#define RETINANET_OPS_VECTOR_H

#include <cstdint>

#if defined(__AVX512F__)
#include "vector_avx512.h"
#elif defined(__AVX2__)
#include "vector_avx2.h"
#elif defined(__SSE2__) || defined(_M_X64)
#include "vector_sse2.h"
#elif defined(__ARM_NEON) || defined(_M_ARM64)
#include "vector_neon.h"
#else
#error "no vector type for this processor"
#endif

#endif
