#include "../math/box_coder.h"
#include "../math/smooth_l1.h"
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

// A thread takes one of an anchor's four numbers at a time, and reads it before it writes the gradient, which may lie
// in the same place. Where an anchor is positive, which is rare, each of the four encodes its box. The last block adds
// everything up.
template <class T>
__global__ void SumBoxLoss(BoxLoss of, const T* deltas, T* grad) {
  RN_SHARED(Shared, shared);
  const double divisor = of.is_divided && *of.divisor != 0 ? *of.divisor : 1;
  const double scale = of.weight / (of.normalizer * divisor), grad_scale = scale * of.grad_scale;
  const int64_t first = static_cast<int64_t>(blockIdx.x) * kTile;
  double sum = 0;
  for (int64_t i = first + threadIdx.x; i < first + kTile && i < 4 * of.rows; i += kThreads) {
    const int64_t row = i / 4;
    const int32_t match = of.matches[row];
    float slope = 0;
    if (match >= 0) {
      const Box anchor = AnchorAt(of.anchors, static_cast<int32_t>(row % of.anchors.count));
      const Deltas d = Encode(anchor, LoadBox(of.gt_boxes + 4 * static_cast<int64_t>(match)));
      const int64_t c = i % 4;
      const float target = c == 0 ? d.dx : c == 1 ? d.dy : c == 2 ? d.dw : d.dh;
      const double difference = static_cast<double>(ToFloat(deltas[i])) - static_cast<double>(target);
      const SmoothL1Term term = rn::SmoothL1(difference, of.beta);
      sum += scale * term.loss;
      slope = static_cast<float>(grad_scale * term.grad);
    }
    grad[i] = FromFloat<T>(slope);
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
void Queue(const Device& device, const BoxLoss& of, const void* deltas, void* grad) {
  const int64_t tiles = BoxLossSums(of.rows);
  Launch(device, tiles, kThreads, SumBoxLoss<T>, of, static_cast<const T*>(deltas), static_cast<T*>(grad));
}

}  // namespace

int64_t BoxLossSums(int64_t rows) { return std::max<int64_t>(1, DivideUp(4 * rows, kTile)); }

void QueueBoxLoss(const Device& device, const BoxLoss& of, rn_dtype dtype, const void* deltas, void* grad) {
  if (dtype == RN_FLOAT32) Queue<float>(device, of, deltas, grad);
  if (dtype == RN_FLOAT16) Queue<__half>(device, of, deltas, grad);
  if (dtype == RN_BFLOAT16) Queue<__nv_bfloat16>(device, of, deltas, grad);
}

}  // namespace rn::cuda
