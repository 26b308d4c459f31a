#include "limits.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "../threads/thread_pool.h"
#include "timing.h"

#if defined(RN_X86) && !defined(_MSC_VER)
#include <immintrin.h>
#define RN_BENCH_AVX2 __attribute__((target("avx2")))
#endif

namespace rn::bench {
namespace {

// Floats of one block: small enough to share out evenly, large enough to stream.
constexpr int64_t kBlock = 1 << 16;

#ifdef RN_BENCH_AVX2
RN_BENCH_AVX2 float ReadAvx2(const float* from, int64_t count) {
  __m256 sums[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
  for (int64_t i = 0; i + 32 <= count; i += 32) {
    for (int64_t k = 0; k < 4; ++k) sums[k] = _mm256_xor_ps(sums[k], _mm256_loadu_ps(from + i + 8 * k));
  }
  const __m256 all = _mm256_xor_ps(_mm256_xor_ps(sums[0], sums[1]), _mm256_xor_ps(sums[2], sums[3]));
  return _mm_cvtss_f32(_mm256_castps256_ps128(all));
}

RN_BENCH_AVX2 void CopyAvx2(const float* from, float* to, int64_t count) {
  for (int64_t i = 0; i + 16 <= count; i += 16) {
    _mm256_stream_ps(to + i, _mm256_loadu_ps(from + i));
    _mm256_stream_ps(to + i + 8, _mm256_loadu_ps(from + i + 8));
  }
  _mm_sfence();
}

bool HasAvx2() { return __builtin_cpu_supports("avx2"); }
#endif

float Read(const float* from, int64_t count) {
#ifdef RN_BENCH_AVX2
  if (HasAvx2()) return ReadAvx2(from, count);
#endif
  float sums[16] = {};
  for (int64_t i = 0; i + 16 <= count; i += 16) {
    for (int k = 0; k < 16; ++k) sums[k] += from[i + k];
  }
  float all = 0;
  for (const float sum : sums) all += sum;
  return all;
}

void Copy(const float* from, float* to, int64_t count) {
#ifdef RN_BENCH_AVX2
  if (HasAvx2()) return CopyAvx2(from, to, count);
#endif
  std::memcpy(to, from, sizeof(float) * static_cast<size_t>(count));  // past the cache where the library thinks it pays
}

float* Aligned(std::vector<float>& memory) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(memory.data());
  return memory.data() + ((64 - address % 64) % 64) / sizeof(float);
}

}  // namespace

Limits MeasureLimits(int64_t bytes, double budget) {
  const int64_t blocks = std::max<int64_t>(1, bytes / 4 / kBlock);
  const int64_t count = blocks * kBlock;
  std::vector<float> source(static_cast<size_t>(count) + 16, 1.0f), target(static_cast<size_t>(count) + 16, 2.0f);
  const float* from = Aligned(source);
  float* to = Aligned(target);
  std::vector<float> seen(static_cast<size_t>(blocks));
  const Timing read = Measure(budget / 2, [&] {
    ParallelFor(blocks, [&](int64_t b) { seen[static_cast<size_t>(b)] = Read(from + b * kBlock, kBlock); });
  });
  const Timing copy = Measure(
      budget / 2, [&] { ParallelFor(blocks, [&](int64_t b) { Copy(from + b * kBlock, to + b * kBlock, kBlock); }); });
  const double scale = 1e9 / static_cast<double>(count);
  return {read.best * scale, copy.best * scale};
}

}  // namespace rn::bench
