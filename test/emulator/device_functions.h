// CUDA's keywords, vector types and device functions, as far as native/cuda uses them.
#ifndef RETINANET_OPS_EMULATOR_DEVICE_FUNCTIONS_H
#define RETINANET_OPS_EMULATOR_DEVICE_FUNCTIONS_H

#include <cmath>
#include <cstdint>
#include <cstring>

#include "block.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(8) int2 {
  int x, y;
};
struct alignas(16) int4 {
  int x, y, z, w;
};
struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline int2 make_int2(int x, int y) { return {x, y}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

inline int min(int a, int b) { return a < b ? a : b; }
inline unsigned min(unsigned a, unsigned b) { return a < b ? a : b; }
inline long min(long a, long b) { return a < b ? a : b; }
inline long long min(long long a, long long b) { return a < b ? a : b; }
inline unsigned long long min(unsigned long long a, unsigned long long b) { return a < b ? a : b; }
inline float min(float a, float b) { return std::fmin(a, b); }
inline double min(double a, double b) { return std::fmin(a, b); }
inline int max(int a, int b) { return a > b ? a : b; }
inline unsigned max(unsigned a, unsigned b) { return a > b ? a : b; }
inline long max(long a, long b) { return a > b ? a : b; }
inline long long max(long long a, long long b) { return a > b ? a : b; }
inline unsigned long long max(unsigned long long a, unsigned long long b) { return a > b ? a : b; }
inline float max(float a, float b) { return std::fmax(a, b); }
inline double max(double a, double b) { return std::fmax(a, b); }

namespace emulator {
template <class To, class From>
To BitsOf(From from) {
  static_assert(sizeof(To) >= sizeof(From), "bits would be lost");
  To to{};
  std::memcpy(&to, &from, sizeof from);
  return to;
}
template <class T>
T FromBits(uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
}  // namespace emulator

inline int __float_as_int(float a) { return emulator::BitsOf<int>(a); }
inline unsigned __float_as_uint(float a) { return emulator::BitsOf<unsigned>(a); }
inline float __int_as_float(int a) { return emulator::BitsOf<float>(a); }
inline float __uint_as_float(unsigned a) { return emulator::BitsOf<float>(a); }
inline long long __double_as_longlong(double a) { return emulator::BitsOf<long long>(a); }
inline double __longlong_as_double(long long a) { return emulator::BitsOf<double>(a); }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __frcp_rn(float a) { return 1.0f / a; }
inline float __fdividef(float a, float b) { return a / b; }

inline int __popc(unsigned a) { return __builtin_popcount(a); }
inline int __popcll(unsigned long long a) { return __builtin_popcountll(a); }
inline int __ffs(int a) { return __builtin_ffs(a); }
inline int __ffsll(long long a) { return __builtin_ffsll(a); }
inline int __clz(int a) { return a == 0 ? 32 : __builtin_clz(static_cast<unsigned>(a)); }
inline int __clzll(long long a) { return a == 0 ? 64 : __builtin_clzll(static_cast<unsigned long long>(a)); }

template <class T>
T __ldg(const T* pointer) {
  return *pointer;
}
template <class T>
T __ldcs(const T* pointer) {
  return *pointer;
}
template <class T>
T __ldcg(const T* pointer) {
  return *pointer;
}
template <class T>
void __stcs(T* pointer, T value) {
  *pointer = value;
}

// One thread runs at a time, so plain operations are atomic.
template <class T>
T atomicAdd(T* address, T value) {
  const T old = *address;
  *address = static_cast<T>(old + value);
  return old;
}
template <class T>
T atomicMax(T* address, T value) {
  const T old = *address;
  if (value > old) *address = value;
  return old;
}
template <class T>
T atomicMin(T* address, T value) {
  const T old = *address;
  if (value < old) *address = value;
  return old;
}
template <class T>
T atomicOr(T* address, T value) {
  const T old = *address;
  *address = old | value;
  return old;
}
template <class T>
T atomicAnd(T* address, T value) {
  const T old = *address;
  *address = old & value;
  return old;
}
template <class T>
T atomicExch(T* address, T value) {
  const T old = *address;
  *address = value;
  return old;
}
template <class T>
T atomicCAS(T* address, T expected, T value) {
  const T old = *address;
  if (old == expected) *address = value;
  return old;
}
inline void __threadfence() {}
inline void __threadfence_block() {}

namespace emulator {
enum { kShuffle, kVote, kSync };

// A lane that is not there gives the caller's own value back, as a shuffle beyond the width does.
template <class T>
T Shuffle(unsigned mask, T value, unsigned source, unsigned width, bool inside) {
  const Lanes lanes = Exchange(mask, kShuffle, BitsOf<uint64_t>(value));
  const unsigned lane = Lane();
  const unsigned from = lane / width * width + source % width;
  return inside && (lanes.present >> from & 1) ? FromBits<T>(lanes.value[from]) : value;
}
inline unsigned Ballot(unsigned mask, int predicate) {
  const Lanes lanes = Exchange(mask, kVote, predicate != 0);
  unsigned bits = 0;
  for (unsigned i = 0; i < 32; ++i)
    if (lanes.present >> i & 1) bits |= static_cast<unsigned>(lanes.value[i] & 1) << i;
  return bits;
}
}  // namespace emulator

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
  return emulator::Shuffle(mask, value, static_cast<unsigned>(source), static_cast<unsigned>(width), true);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32) {
  const unsigned within = emulator::Lane() % static_cast<unsigned>(width), w = static_cast<unsigned>(width);
  const unsigned source = within ^ static_cast<unsigned>(lane_mask);
  return emulator::Shuffle(mask, value, source, w, source < w);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  const unsigned within = emulator::Lane() % static_cast<unsigned>(width), w = static_cast<unsigned>(width);
  return emulator::Shuffle(mask, value, within - delta, w, within >= delta);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  const unsigned within = emulator::Lane() % static_cast<unsigned>(width), w = static_cast<unsigned>(width);
  return emulator::Shuffle(mask, value, within + delta, w, within + delta < w);
}
inline unsigned __ballot_sync(unsigned mask, int predicate) { return emulator::Ballot(mask, predicate); }
inline int __any_sync(unsigned mask, int predicate) { return emulator::Ballot(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return emulator::Ballot(mask, !predicate) == 0; }
inline void __syncwarp(unsigned mask = 0xffffffffu) { emulator::Exchange(mask, emulator::kSync, 0); }

#endif
