// Every formula compiles for the host and, under nvcc, for the device. On the host it is inlined and leaves no symbol
// behind: sources compiled for different instruction sets share these headers, and the linker must not hand the copy of
// one to another.
#ifndef RETINANET_OPS_HOST_DEVICE_H
#define RETINANET_OPS_HOST_DEVICE_H

#if defined(_MSC_VER)
#define RN_ALWAYS_INLINE __forceinline
#elif defined(__CUDACC__)
#define RN_ALWAYS_INLINE inline
#else
#define RN_ALWAYS_INLINE inline __attribute__((always_inline))
#endif

// For the rare paths of kernels.
#if defined(_MSC_VER)
#define RN_NOINLINE static __declspec(noinline)
#define RN_NOINLINE_MEMBER __declspec(noinline)
#else
#define RN_NOINLINE static __attribute__((noinline))
#define RN_NOINLINE_MEMBER __attribute__((noinline))
#endif

// For loops whose body is long enough by itself, and for those in which the loop's own instructions count.
#if defined(__clang__)
#define RN_NO_UNROLL _Pragma("clang loop unroll(disable)")
#define RN_UNROLL_BY_8 _Pragma("clang loop unroll_count(8)")
#elif defined(__GNUC__)
#define RN_NO_UNROLL _Pragma("GCC unroll 1")
#define RN_UNROLL_BY_8 _Pragma("GCC unroll 8")
#else
#define RN_NO_UNROLL
#define RN_UNROLL_BY_8
#endif

#ifdef __CUDACC__
#define RN_HD_MEMBER __host__ __device__ inline
#define RN_HD __host__ __device__ inline
#else
#define RN_HD_MEMBER RN_ALWAYS_INLINE
#define RN_HD static RN_ALWAYS_INLINE
#endif

#endif
