// Runs of what is computed element by element (elementwise.def).
#ifndef RETINANET_OPS_KERNELS_ELEMENTWISE_H
#define RETINANET_OPS_KERNELS_ELEMENTWISE_H

#include "../../math/elementwise.h"
#include "kernels.h"
#include "vector.h"

namespace rn::cpu::RN_ISA {

// What is left of a run after its last whole vector, as one vector whose other lanes do not count.
RN_HD Float LoadSome(const float* p, int64_t count) {
  float lanes[Float::kLanes] = {};
  for (int64_t i = 0; i < count; ++i) lanes[i] = p[i];
  return Load(lanes);
}
RN_HD void StoreSome(float* p, Float a, int64_t count) {
  float lanes[Float::kLanes];
  Store(lanes, a);
  for (int64_t i = 0; i < count; ++i) p[i] = lanes[i];
}

// Calls body(offset, load, store) for each vector of `count` elements; the last may be a part of one.
template <class Body>
RN_ALWAYS_INLINE void ForEachVector(int64_t count, const Body& body) {
  int64_t i = 0;
  for (; i + Float::kLanes <= count; i += Float::kLanes) {
    body(i, [](const float* p) { return Load(p); }, [](float* p, Float a) { Store(p, a); });
  }
  const int64_t rest = count - i;
  if (rest == 0) return;
  body(i, [rest](const float* p) { return LoadSome(p, rest); }, [rest](float* p, Float a) { StoreSome(p, a, rest); });
}

template <class Formula>
void RunUnary(const UnaryRun& run) {
  using F = Float;
  const F alpha(run.alpha), beta(run.beta);
  ForEachVector(run.count, [&](int64_t i, auto load, auto store) {
    store(run.output + i, Formula::Of(load(run.input + i), alpha, beta));
  });
}

// kOneA: a is one number for the whole run.
template <class Formula, bool kOneA, bool kOneB>
void RunBinaryOf(const BinaryRun& run) {
  using F = Float;
  const F alpha(run.alpha), first_a(run.a[0]), first_b(run.b[0]);
  ForEachVector(run.count, [&](int64_t i, auto load, auto store) {
    const F a = kOneA ? first_a : load(run.a + i), b = kOneB ? first_b : load(run.b + i);
    store(run.output + i, Formula::Of(a, b, alpha));
  });
}

template <class Formula>
void RunBinary(const BinaryRun& run) {
  if (run.one_a) {
    RunBinaryOf<Formula, true, false>(run);
  } else if (run.one_b) {
    RunBinaryOf<Formula, false, true>(run);
  } else {
    RunBinaryOf<Formula, false, false>(run);
  }
}

#define RN_UNARY(Name, ...)                                                                \
  struct Unary##Name {                                                                     \
    template <class F>                                                                     \
    static RN_ALWAYS_INLINE F Of(F x, [[maybe_unused]] F alpha, [[maybe_unused]] F beta) { \
      return __VA_ARGS__;                                                                  \
    }                                                                                      \
  };
#define RN_BINARY(Name, ...)                                           \
  struct Binary##Name {                                                \
    template <class F>                                                 \
    static RN_ALWAYS_INLINE F Of(F a, F b, [[maybe_unused]] F alpha) { \
      return __VA_ARGS__;                                              \
    }                                                                  \
  };
#include "../../math/elementwise.def"

constexpr ElementwiseKernels kElementwise = {
    {
#define RN_UNARY(Name, ...) RunUnary<Unary##Name>,
#include "../../math/elementwise.def"
    },
    {
#define RN_BINARY(Name, ...) RunBinary<Binary##Name>,
#include "../../math/elementwise.def"
    },
};

}  // namespace rn::cpu::RN_ISA

#endif
