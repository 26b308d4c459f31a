// CUDA's keywords, vector types and device functions, as far as native/cuda uses them.
#ifndef RETINANET_OPS_EMULATOR_DEVICE_FUNCTIONS_H
#define RETINANET_OPS_EMULATOR_DEVICE_FUNCTIONS_H

#include <cmath>
#include <cstdint>
#include <cstring>

#include "block.h"
#include "races.h"

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

// What native/cuda has instructions for that round as they please.
namespace emulator {
float NearReciprocal(float a);  // rcp.approx.ftz.f32
float NearExp2(float a);        // ex2.approx.ftz.f32
}  // namespace emulator
#define RN_RCP_APPROX(a) ::emulator::NearReciprocal(a)
#define RN_EX2_APPROX(a) ::emulator::NearExp2(a)
inline float __fdividef(float a, float b) { return a * emulator::NearReciprocal(b); }

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

// One thread runs at a time, so plain operations are atomic. Before each, others may run.
namespace emulator {
template <class T, class Change>
EMULATOR_UNWATCHED T Atomically(T* address, const Change& change) {
  Pause();
  TouchAtomically(address, sizeof(T), __builtin_return_address(0));
  const T old = *address;
  *address = change(old);
  return old;
}
}  // namespace emulator
template <class T>
T atomicAdd(T* address, T value) {
  return emulator::Atomically(address, [=](T old) { return static_cast<T>(old + value); });
}
template <class T>
T atomicMax(T* address, T value) {
  return emulator::Atomically(address, [=](T old) { return value > old ? value : old; });
}
template <class T>
T atomicMin(T* address, T value) {
  return emulator::Atomically(address, [=](T old) { return value < old ? value : old; });
}
template <class T>
T atomicOr(T* address, T value) {
  return emulator::Atomically(address, [=](T old) { return static_cast<T>(old | value); });
}
template <class T>
T atomicAnd(T* address, T value) {
  return emulator::Atomically(address, [=](T old) { return static_cast<T>(old & value); });
}
template <class T>
T atomicExch(T* address, T value) {
  return emulator::Atomically(address, [=](T) { return value; });
}
template <class T>
T atomicCAS(T* address, T expected, T value) {
  return emulator::Atomically(address, [=](T old) { return old == expected ? value : old; });
}
inline void __threadfence() { emulator::OrderMemory(emulator::Scope::kDevice); }
inline void __threadfence_block() { emulator::OrderMemory(emulator::Scope::kBlock); }
inline void __nanosleep(unsigned) { emulator::Pause(); }

// Collectives of a warp. A lane beyond the width gives the caller's own value back, one that is not of the mask
// garbage.
namespace emulator {
template <class T>
T Shuffle(Site site, unsigned mask, T value, unsigned source, unsigned width, bool inside) {
  const Lanes& lanes = Exchange(site, mask, BitsOf<uint64_t>(value));
  if (!inside) return value;
  const unsigned from = Lane() / width * width + source % width;
  return FromBits<T>(lanes.present >> from & 1 ? lanes.value[from] : 0xcbcbcbcbcbcbcbcb);
}
template <class T>
T ShuffleFrom(Site site, unsigned mask, T value, int source, unsigned width = 32) {
  return Shuffle(site, mask, value, static_cast<unsigned>(source), width, true);
}
template <class T>
T ShuffleXor(Site site, unsigned mask, T value, int lane_mask, unsigned width = 32) {
  const unsigned source = Lane() % width ^ static_cast<unsigned>(lane_mask);
  return Shuffle(site, mask, value, source, width, source < width);
}
template <class T>
T ShuffleUp(Site site, unsigned mask, T value, unsigned delta, unsigned width = 32) {
  const unsigned within = Lane() % width;
  return Shuffle(site, mask, value, within - delta, width, within >= delta);
}
template <class T>
T ShuffleDown(Site site, unsigned mask, T value, unsigned delta, unsigned width = 32) {
  const unsigned within = Lane() % width;
  return Shuffle(site, mask, value, within + delta, width, within + delta < width);
}
inline unsigned Ballot(Site site, unsigned mask, bool predicate) {
  const Lanes& lanes = Exchange(site, mask, predicate);
  unsigned bits = 0;
  for (unsigned i = 0; i < 32; ++i)
    if (lanes.present >> i & 1) bits |= static_cast<unsigned>(lanes.value[i] & 1) << i;
  return bits;
}
struct SyncWarp {
  Site site;
  void operator()(unsigned mask = 0xffffffffu) const { Exchange(site, mask, 0, true); }
};
}  // namespace emulator

#define __shfl_sync(...) ::emulator::ShuffleFrom(EMULATOR_SITE("__shfl_sync"), __VA_ARGS__)
#define __shfl_xor_sync(...) ::emulator::ShuffleXor(EMULATOR_SITE("__shfl_xor_sync"), __VA_ARGS__)
#define __shfl_up_sync(...) ::emulator::ShuffleUp(EMULATOR_SITE("__shfl_up_sync"), __VA_ARGS__)
#define __shfl_down_sync(...) ::emulator::ShuffleDown(EMULATOR_SITE("__shfl_down_sync"), __VA_ARGS__)
#define __ballot_sync(mask, predicate) ::emulator::Ballot(EMULATOR_SITE("__ballot_sync"), mask, (predicate) != 0)
#define __any_sync(mask, predicate) \
  static_cast<int>(::emulator::Ballot(EMULATOR_SITE("__any_sync"), mask, (predicate) != 0) != 0)
#define __all_sync(mask, predicate) \
  static_cast<int>(::emulator::Ballot(EMULATOR_SITE("__all_sync"), mask, (predicate) == 0) == 0)
#define __syncwarp(...) ::emulator::SyncWarp{EMULATOR_SITE("__syncwarp")}(__VA_ARGS__)

#endif
