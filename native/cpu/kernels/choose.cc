#include <cstdlib>
#include <cstring>

#include "kernels.h"

#if defined(_MSC_VER) && defined(_M_X64)
#include <intrin.h>
#endif

namespace rn::cpu {

#ifdef RN_NEON
namespace neon {
extern const Kernels kKernels;
}
#endif

#ifdef RN_X86
namespace baseline {
extern const Kernels kKernels;
}
namespace avx2 {
extern const Kernels kKernels;
}
namespace avx512 {
extern const Kernels kKernels;
}
#endif

namespace {

struct Candidate {
  const Kernels* kernels;
  bool available;
};

#if defined(RN_X86) && defined(_MSC_VER)
// CPUID says what the processor has, XGETBV what the system saves when it switches threads.
bool Has(int leaf, int index, uint32_t bits, uint64_t saved) {
  int info[4];
  __cpuidex(info, 1, 0);
  if (!(info[2] & (1 << 27)) || (_xgetbv(0) & saved) != saved) return false;
  __cpuidex(info, leaf, 0);
  return (static_cast<uint32_t>(info[index]) & bits) == bits;
}
bool HasAvx2() { return Has(7, 1, 1u << 5, 0x6) && Has(1, 2, 1u << 12, 0x6); }
bool HasAvx512() { return HasAvx2() && Has(7, 1, (1u << 16) | (1u << 17) | (1u << 30) | (1u << 31), 0xe6); }
#elif defined(RN_X86)
bool HasAvx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool HasAvx512() {
  return HasAvx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}
#endif

const Kernels* Choose() {
  // Best first.
  const Candidate candidates[] = {
#ifdef RN_X86
      {&avx512::kKernels, HasAvx512()},
      {&avx2::kKernels, HasAvx2()},
      {&baseline::kKernels, true},
#endif
#ifdef RN_NEON
      {&neon::kKernels, true},
#endif
  };
  const char* wanted = std::getenv("RETINANET_OPS_CPU");
  for (const Candidate& candidate : candidates) {
    if (!candidate.available) continue;
    if (!wanted || !*wanted || std::strcmp(wanted, candidate.kernels->instruction_set) == 0) return candidate.kernels;
  }
  return nullptr;
}

}  // namespace

const Kernels* ActiveKernels() {
  static const Kernels* const kernels = Choose();
  return kernels;
}

}  // namespace rn::cpu
