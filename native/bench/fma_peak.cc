// How many multiply-adds the vector units do where nothing but registers limits them.
#include <cstdint>
#include <vector>

#include "../threads/thread_pool.h"
#include "limits.h"
#include "timing.h"

#if defined(RN_X86) && !defined(_MSC_VER)
#include <immintrin.h>
#define RN_BENCH_TARGET(set) __attribute__((target(set)))
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace rn::bench {
namespace {

// Sums that do not wait for each other, each a product's factor away from its start after as many rounds as wished.
constexpr int kSums = 12;
constexpr float kFactor = 0.999f, kTerm = 1e-3f;
constexpr int64_t kRounds = 1 << 15;

struct Work {
  double operations;
  float result;
};

#ifdef RN_BENCH_TARGET
RN_BENCH_TARGET("avx512f") Work RoundsAvx512() {
  __m512 sums[kSums];
  for (__m512& sum : sums) sum = _mm512_set1_ps(1);
  const __m512 factor = _mm512_set1_ps(kFactor), term = _mm512_set1_ps(kTerm);
  for (int64_t i = 0; i < kRounds; ++i) {
    for (__m512& sum : sums) sum = _mm512_fmadd_ps(sum, factor, term);
  }
  __m512 all = sums[0];
  for (int k = 1; k < kSums; ++k) all = _mm512_add_ps(all, sums[k]);
  float lanes[16];
  _mm512_storeu_ps(lanes, all);
  return {2.0 * 16 * kSums * kRounds, lanes[0]};
}

RN_BENCH_TARGET("avx2,fma") Work RoundsAvx2() {
  __m256 sums[kSums];
  for (__m256& sum : sums) sum = _mm256_set1_ps(1);
  const __m256 factor = _mm256_set1_ps(kFactor), term = _mm256_set1_ps(kTerm);
  for (int64_t i = 0; i < kRounds; ++i) {
    for (__m256& sum : sums) sum = _mm256_fmadd_ps(sum, factor, term);
  }
  __m256 all = sums[0];
  for (int k = 1; k < kSums; ++k) all = _mm256_add_ps(all, sums[k]);
  return {2.0 * 8 * kSums * kRounds, _mm256_cvtss_f32(all)};
}

Work Rounds() {
  if (__builtin_cpu_supports("avx512f")) return RoundsAvx512();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return RoundsAvx2();
  __m128 sums[kSums];
  for (__m128& sum : sums) sum = _mm_set1_ps(1);
  const __m128 factor = _mm_set1_ps(kFactor), term = _mm_set1_ps(kTerm);
  for (int64_t i = 0; i < kRounds; ++i) {
    for (__m128& sum : sums) sum = _mm_add_ps(_mm_mul_ps(sum, factor), term);
  }
  __m128 all = sums[0];
  for (int k = 1; k < kSums; ++k) all = _mm_add_ps(all, sums[k]);
  return {2.0 * 4 * kSums * kRounds, _mm_cvtss_f32(all)};
}
#elif defined(__ARM_NEON) && defined(__aarch64__)
Work Rounds() {
  float32x4_t sums[kSums];
  for (float32x4_t& sum : sums) sum = vdupq_n_f32(1);
  const float32x4_t factor = vdupq_n_f32(kFactor), term = vdupq_n_f32(kTerm);
  for (int64_t i = 0; i < kRounds; ++i) {
    for (float32x4_t& sum : sums) sum = vfmaq_f32(term, sum, factor);
  }
  float32x4_t all = sums[0];
  for (int k = 1; k < kSums; ++k) all = vaddq_f32(all, sums[k]);
  return {2.0 * 4 * kSums * kRounds, vaddvq_f32(all)};
}
#else
Work Rounds() {
  float sums[8 * kSums];
  for (float& sum : sums) sum = 1;
  for (int64_t i = 0; i < kRounds; ++i) {
    for (float& sum : sums) sum = sum * kFactor + kTerm;
  }
  float all = 0;
  for (const float sum : sums) all += sum;
  return {2.0 * 8 * kSums * kRounds, all};
}
#endif

}  // namespace

double MeasureFmaPeak(double budget) {
  const int64_t blocks = NumThreads();
  std::vector<Work> works(static_cast<size_t>(blocks));
  const Timing timing =
      Measure(budget, [&] { ParallelFor(blocks, [&](int64_t b) { works[static_cast<size_t>(b)] = Rounds(); }); });
  double operations = 0;
  float results = 0;
  for (const Work& work : works) {
    operations += work.operations;
    results += work.result;
  }
  // 1 is where every sum starts and stays; asked for, so that no compiler leaves the work out.
  return results > 0 ? operations / timing.best / 1e9 : 0;
}

}  // namespace rn::bench
