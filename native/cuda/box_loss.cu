#include <type_traits>

#include "../backend/regression.h"
#include "../math/box_loss.h"
#include "../math/normalizer.h"
#include "box_loss.h"
#include "reduce.h"
#include "vector_access.h"

namespace rn::cuda {
namespace {

constexpr int kThreads = 256, kAtOnce = 4;  // anchors of a thread
constexpr int64_t kTile = int64_t{kThreads} * kAtOnce;

struct Shared {
  double values[kThreads];
  bool last;
};

// A thread has every 256th of the tile's anchors, so that all its matches are under way together. Where one is
// positive, which is rare, its deltas are read before its gradient is written, which may lie in the same place. The
// last block adds everything up.
template <class T, class Formula>
__global__ void SumBoxLoss(BoxLoss of, const Formula formula, const T* deltas, T* grad, bool deltas_aligned,
                           bool grad_aligned) {
  RN_SHARED(Shared, shared);
  const int64_t first = static_cast<int64_t>(blockIdx.x) * kTile + threadIdx.x;
  int32_t matches[kAtOnce];
  RN_UNROLL for (int k = 0; k < kAtOnce; ++k) {
    const int64_t row = first + int64_t{k} * kThreads;
    matches[k] = row < of.rows ? of.matches[row] : -1;
  }
  unsigned positive = 0;
  RN_UNROLL for (int k = 0; k < kAtOnce; ++k) {
    const int64_t row = first + int64_t{k} * kThreads;
    if (matches[k] >= 0) {
      positive |= 1u << k;
    } else if (row < of.rows) {
      StoreRun<T, 4>(grad + 4 * row, grad_aligned, {});
    }
  }
  double sum = 0;
  RN_KEEP_LOOP for (int k = 0; positive >> k != 0; ++k) {
    if (!(positive >> k & 1)) continue;
    const int64_t row = first + int64_t{k} * kThreads;
    const double* const divisor = of.divisor + (of.divides_by_image ? row / of.anchors.count : 0);
    const double scale = of.weight / (of.normalizer * (of.is_divided ? DivisorOf(*divisor) : 1));
    const double grad_scale = scale * of.grad_scale;
    float four[4];
    LoadRun<T, 4>(deltas + 4 * row, deltas_aligned, four);
    const Box anchor = AnchorAt(of.anchors, static_cast<int32_t>(row % of.anchors.count));
    const Box box = LoadBox(of.gt_boxes + 4 * static_cast<int64_t>(of.matches[row]));
    const BoxLossTerm<Formula> term = BoxLossOf(formula, anchor, box, of.coder_weights, four);
    for (const double loss : term.losses) sum += scale * loss;
    for (int c = 0; c < 4; ++c) four[c] = static_cast<float>(grad_scale * term.grad[c]);
    StoreRun<T, 4>(grad + 4 * row, grad_aligned, four);
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

// For runs of an anchor's four numbers.
template <class T>
bool IsAligned(const void* array) {
  return reinterpret_cast<uintptr_t>(array) % (4 * sizeof(T)) == 0;
}

template <class T>
void Queue(const Device& device, const BoxLoss& of, const rn_retinanet_loss& op) {
  WithRegression(op.regression, op.beta, [&](const auto& formula) {
    using Formula = std::decay_t<decltype(formula)>;
    Launch(device, BoxLossSums(of.rows), kThreads, SumBoxLoss<T, Formula>, of, formula,
           static_cast<const T*>(op.box_deltas), static_cast<T*>(op.box_grad), IsAligned<T>(op.box_deltas),
           IsAligned<T>(op.box_grad));
  });
}

}  // namespace

int64_t BoxLossSums(int64_t rows) { return std::max<int64_t>(1, DivideUp(rows, kTile)); }

void QueueBoxLoss(const Device& device, const BoxLoss& of, const rn_retinanet_loss& op) {
  if (op.dtype == RN_FLOAT32) Queue<float>(device, of, op);
  if (op.dtype == RN_FLOAT16) Queue<__half>(device, of, op);
  if (op.dtype == RN_BFLOAT16) Queue<__nv_bfloat16>(device, of, op);
}

}  // namespace rn::cuda
