#include <type_traits>

#include "../backend/regression.h"
#include "../math/box_loss.h"
#include "../math/normalizer.h"
#include "box_loss.h"
#include "reduce.h"
#include "vector_access.h"

namespace rn::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kTile = 4096;  // numbers of box_deltas

struct Shared {
  double values[kThreads];
  bool last;
};

// A thread takes one of an anchor's four numbers at a time; where an anchor is positive, which is rare, the four show
// each other their numbers and each computes its loss. They are read before the gradient is written, which may lie in
// the same place. The last block adds everything up.
template <class T, class Formula>
__global__ void SumBoxLoss(BoxLoss of, const Formula formula, const T* deltas, T* grad) {
  RN_SHARED(Shared, shared);
  const double scale = of.weight / (of.normalizer * (of.is_divided ? DivisorOf(*of.divisor) : 1));
  const double grad_scale = scale * of.grad_scale;
  const int64_t first = static_cast<int64_t>(blockIdx.x) * kTile;
  const int lane = static_cast<int>(threadIdx.x) % kWarp, c = lane % 4;
  double sum = 0;
  RN_KEEP_LOOP for (int64_t i = first + threadIdx.x; i < first + kTile; i += kThreads) {
    const bool inside = i < 4 * of.rows;
    const int64_t row = i / 4;
    const int32_t match = inside ? of.matches[row] : -1;
    float slope = 0;
    if (__any_sync(kAllLanes, match >= 0)) {
      const float own = match >= 0 ? ToFloat(deltas[i]) : 0.0f;
      float four[4];
      RN_UNROLL for (int k = 0; k < 4; ++k) four[k] = __shfl_sync(kAllLanes, own, lane - c + k);
      if (match >= 0) {
        const Box anchor = AnchorAt(of.anchors, static_cast<int32_t>(row % of.anchors.count));
        const Box box = LoadBox(of.gt_boxes + 4 * static_cast<int64_t>(match));
        const BoxLossTerm<Formula> term = BoxLossOf(formula, anchor, box, four);
        RN_UNROLL for (int k = 0; k < 4; ++k) {
          if (k != c) continue;
          if (k < BoxLossTerm<Formula>::kLosses) sum += scale * term.losses[k];
          slope = static_cast<float>(grad_scale * term.grad[k]);
        }
      }
    }
    if (inside) grad[i] = FromFloat<T>(slope);
  }
  sum = BlockSum<kThreads>(shared.values, sum);
  if (threadIdx.x == 0) of.sums[blockIdx.x] = sum;
  if (!IsLastBlock(of.arrived, shared.last)) return;
  const double class_loss = SumOf<kThreads>(of.class_loss, shared.values);
  __syncthreads();
  const double box_loss = SumOf<kThreads>({of.sums, gridDim.x, nullptr}, shared.values);
  if (threadIdx.x == 0) {
    *of.class_loss.out = class_loss;
    *of.box_loss = box_loss;
    *of.loss = class_loss + box_loss;
    *of.num_positive = *of.positives;
  }
}

template <class T>
void Queue(const Device& device, const BoxLoss& of, const rn_retinanet_loss& op) {
  WithRegression(op.regression, op.beta, [&](const auto& formula) {
    using Formula = std::decay_t<decltype(formula)>;
    Launch(device, BoxLossSums(of.rows), kThreads, SumBoxLoss<T, Formula>, of, formula,
           static_cast<const T*>(op.box_deltas), static_cast<T*>(op.box_grad));
  });
}

}  // namespace

int64_t BoxLossSums(int64_t rows) { return std::max<int64_t>(1, DivideUp(4 * rows, kTile)); }

void QueueBoxLoss(const Device& device, const BoxLoss& of, const rn_retinanet_loss& op) {
  if (op.dtype == RN_FLOAT32) Queue<float>(device, of, op);
  if (op.dtype == RN_FLOAT16) Queue<__half>(device, of, op);
  if (op.dtype == RN_BFLOAT16) Queue<__nv_bfloat16>(device, of, op);
}

}  // namespace rn::cuda
