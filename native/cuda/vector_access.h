// Runs of elements of global memory as float32: 16 bytes at a time where the address allows, past the caches, because
// nobody comes back to them.
#ifndef RETINANET_OPS_CUDA_VECTOR_ACCESS_H
#define RETINANET_OPS_CUDA_VECTOR_ACCESS_H

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>

#ifdef __CUDACC__
#define RN_UNROLL _Pragma("unroll")
#define RN_KEEP_LOOP _Pragma("unroll 1")
#else
#define RN_UNROLL
#define RN_KEEP_LOOP
#endif

namespace rn::cuda {

__device__ inline float ToFloat(float a) { return a; }
__device__ inline float ToFloat(__half a) { return __half2float(a); }
__device__ inline float ToFloat(__nv_bfloat16 a) { return __bfloat162float(a); }
template <class T>
__device__ T FromFloat(float a);
template <>
__device__ inline float FromFloat(float a) {
  return a;
}
template <>
__device__ inline __half FromFloat(float a) {
  return __float2half_rn(a);
}
template <>
__device__ inline __nv_bfloat16 FromFloat(float a) {
  return __float2bfloat16_rn(a);
}

// Binary digits of a number, the leading one included.
template <class T>
constexpr int kDigits = 24;
template <>
constexpr inline int kDigits<__half> = 11;
template <>
constexpr inline int kDigits<__nv_bfloat16> = 8;

// Two 16-bit numbers in a word, the first in its low half.
template <class T>
struct Word;
template <>
struct Word<__half> {
  static __device__ float First(uint32_t word) { return Float(static_cast<uint16_t>(word)); }
  static __device__ float Second(uint32_t word) { return Float(static_cast<uint16_t>(word >> 16)); }
  static __device__ float Float(uint16_t bits) {
    __half value;
    std::memcpy(&value, &bits, sizeof value);
    return ToFloat(value);
  }
  static __device__ uint32_t Pack(float a, float b) {
    const __half2 pair = __floats2half2_rn(a, b);
    uint32_t word;
    std::memcpy(&word, &pair, sizeof word);
    return word;
  }
};
template <>
struct Word<__nv_bfloat16> {
  // The upper half of a float32; what a shift would put below the second is masked.
  static __device__ float First(uint32_t word) { return __uint_as_float(word << 16); }
  static __device__ float Second(uint32_t word) { return __uint_as_float(word & 0xffff0000u); }
  static __device__ uint32_t Pack(float a, float b) {
    const __nv_bfloat162 pair = __floats2bfloat162_rn(a, b);
    uint32_t word;
    std::memcpy(&word, &pair, sizeof word);
    return word;
  }
};

// kCount elements of T that are loaded or stored at once: 8 or 16 bytes.
template <class T, int kCount>
struct Run {
  static constexpr int kWords = kCount * static_cast<int>(sizeof(T)) / 4;
  static_assert(kWords == 2 || kWords == 4, "8 or 16 bytes");
  uint32_t words[kWords];

  // From an address aligned for it.
  static __device__ Run Load(const T* from) {
    Run run;
    if constexpr (kWords == 4) {
      const uint4 w = __ldcs(reinterpret_cast<const uint4*>(from));
      run.words[0] = w.x, run.words[1] = w.y, run.words[2] = w.z, run.words[3] = w.w;
    } else {
      const uint2 w = __ldcs(reinterpret_cast<const uint2*>(from));
      run.words[0] = w.x, run.words[1] = w.y;
    }
    return run;
  }
  __device__ void Store(T* to) const {
    if constexpr (kWords == 4) {
      __stcs(reinterpret_cast<uint4*>(to), make_uint4(words[0], words[1], words[2], words[3]));
    } else {
      __stcs(reinterpret_cast<uint2*>(to), make_uint2(words[0], words[1]));
    }
  }

  __device__ float operator[](int i) const {
    if constexpr (sizeof(T) == 4) {
      return __uint_as_float(words[i]);
    } else {
      return i % 2 == 0 ? Word<T>::First(words[i / 2]) : Word<T>::Second(words[i / 2]);
    }
  }
  // The bits that all words have.
  __device__ uint32_t AllBits() const {
    uint32_t bits = words[0];
    RN_UNROLL for (int i = 1; i < kWords; ++i) bits &= words[i];
    return bits;
  }
  static __device__ Run Of(const float (&values)[kCount]) {
    Run run;
    RN_UNROLL for (int i = 0; i < kWords; ++i) {
      if constexpr (sizeof(T) == 4) {
        run.words[i] = __float_as_uint(values[i]);
      } else {
        run.words[i] = Word<T>::Pack(values[2 * i], values[2 * i + 1]);
      }
    }
    return run;
  }
};

// kCount elements to or from any address; `aligned` says that runs of 16 bytes, or all of it, may go at once.
template <class T, int kCount>
__device__ void StoreRun(T* to, bool aligned, const float (&values)[kCount]) {
  constexpr int kAtOnce = kCount * sizeof(T) > 16 ? static_cast<int>(16 / sizeof(T)) : kCount;
  if (aligned) {
    RN_UNROLL for (int i = 0; i < kCount; i += kAtOnce) {
      float part[kAtOnce];
      RN_UNROLL for (int j = 0; j < kAtOnce; ++j) part[j] = values[i + j];
      Run<T, kAtOnce>::Of(part).Store(to + i);
    }
  } else {
    RN_UNROLL for (int i = 0; i < kCount; ++i) to[i] = FromFloat<T>(values[i]);
  }
}
template <class T, int kCount>
__device__ void LoadRun(const T* from, bool aligned, float (&values)[kCount]) {
  constexpr int kAtOnce = kCount * sizeof(T) > 16 ? static_cast<int>(16 / sizeof(T)) : kCount;
  if (aligned) {
    RN_UNROLL for (int i = 0; i < kCount; i += kAtOnce) {
      const auto run = Run<T, kAtOnce>::Load(from + i);
      RN_UNROLL for (int j = 0; j < kAtOnce; ++j) values[i + j] = run[j];
    }
  } else {
    RN_UNROLL for (int i = 0; i < kCount; ++i) values[i] = ToFloat(from[i]);
  }
}

// How far an address is past the last multiple of 16, in elements.
template <class T>
int ElementsPastAlignment(const T* pointer) {
  return static_cast<int>(reinterpret_cast<uintptr_t>(pointer) % 16 / sizeof(T));
}

}  // namespace rn::cuda

#endif
