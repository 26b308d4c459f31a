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

// A loop over what registers hold. Without it, a compiler that leaves a loop keeps them in memory.
#if defined(_MSC_VER) && !defined(__clang__)
#define RN_UNROLL_TILE
#elif defined(__clang__)
#define RN_UNROLL_TILE _Pragma("unroll")
#else
#define RN_UNROLL_TILE _Pragma("GCC unroll 16")
#endif

// A value that the compiler knows nothing of: it makes no other values from it that would need registers of their own.
#if defined(RN_X86) && defined(__GNUC__)
#define RN_KEEP_IN_REGISTER(value) asm("" : "+r"(value))
#define RN_KEEP_VECTOR(value) asm("" : "+v"((value).v))  // in place of loading it for each use
#else
#define RN_KEEP_IN_REGISTER(value) static_cast<void>(value)
#define RN_KEEP_VECTOR(value) static_cast<void>(value)
#endif

namespace rn::cpu::RN_ISA {

// Asks for the cache line of p[ahead], which need not be part of any array: hence the detour by an integer.
RN_HD void Prefetch(const float* p, int64_t ahead) {
  const uintptr_t number = reinterpret_cast<uintptr_t>(p) + static_cast<uintptr_t>(ahead) * sizeof(float);
  const auto* const address = reinterpret_cast<const char*>(number);  // NOLINT(performance-no-int-to-ptr)
#if defined(_MSC_VER) && defined(RN_X86)
  _mm_prefetch(address, _MM_HINT_T0);
#elif defined(_MSC_VER)
  __prefetch(address);
#else
  __builtin_prefetch(address);
#endif
}

}  // namespace rn::cpu::RN_ISA

#endif
