// What becomes of a convolution's sums before they are stored.
#ifndef RETINANET_OPS_KERNELS_FINISH_H
#define RETINANET_OPS_KERNELS_FINISH_H

#include "elementwise.h"
#include "kernels.h"
#include "vector.h"

namespace rn::cpu::RN_ISA {

class Finisher {
 public:
  RN_ALWAYS_INLINE explicit Finisher(const Finish& finish) : finish_(finish), low_(finish.low), high_(finish.high) {}

  RN_ALWAYS_INLINE Float Clamped(Float sum) const { return Min(high_, Max(low_, sum)); }  // a NaN stays one

  // `offset`: of the vector from the output's first value.
  template <class LoadFloats>
  RN_ALWAYS_INLINE Float operator()(Float sum, int64_t offset, const LoadFloats& load) const {
    if (finish_.addend) sum = sum + load(finish_.addend + offset);
    if (finish_.clamped) sum = Clamped(sum);
    if (finish_.rectified) sum = BinaryReluGrad::Of(sum, load(finish_.rectified + offset), Float(0.0f));
    return sum;
  }

 private:
  const Finish finish_;
  const Float low_, high_;
};

}  // namespace rn::cpu::RN_ISA

#endif
