// Smooth L1 loss: value, gradient, or both in one pass.
#include <algorithm>

#include "../math/smooth_l1.h"
#include "arrays.h"
#include "cuda_backend.h"
#include "reduce.h"
#include "transfer.h"
#include "vector_access.h"

namespace rn::cuda {
namespace {

constexpr int kThreads = 256, kWidth = 4, kRuns = 4;
constexpr int64_t kTile = int64_t{kThreads} * kWidth * kRuns;
static_assert(kPieceBytes / 4 % kTile == 0, "chunks of host arrays are whole tiles: sums have the same bits");

// Elements [first, first + count) of all; the arrays by element begin at the first of them.
struct SmoothL1Arguments {
  const float* predictions;
  const float* targets;
  const float* weights;   // optional, by row
  const float* upstream;  // optional
  bool one_upstream;      // for all elements
  float* losses;          // optional
  float* grad;            // optional
  int64_t first, count, columns;
  bool aligned;  // all arrays by element
  double beta, normalizer;
  double* sums;  // by tile
};

struct Element {
  float prediction, target, upstream;
  double scale;  // its row's weight by the normalizer; 0: not to be read
};

// Adds to the sum, and gives what is stored.
__device__ inline void Compute(const SmoothL1Arguments& p, const Element& element, double& sum, float& loss,
                               float& grad) {
  loss = grad = 0;
  if (element.scale == 0) return;
  const double difference = static_cast<double>(element.prediction) - static_cast<double>(element.target);
  const SmoothL1Term term = rn::SmoothL1(difference, p.beta);
  sum += element.scale * term.loss;
  loss = static_cast<float>(element.scale * term.loss);
  grad = static_cast<float>(static_cast<double>(element.upstream) * element.scale * term.grad);
}

__global__ void __launch_bounds__(kThreads) SmoothL1Kernel(const SmoothL1Arguments p) {
  struct Shared {
    double sums[kThreads];
  };
  RN_SHARED(Shared, shared);
  const double unit = 1 / p.normalizer;
  double sum = 0;
  RN_KEEP_LOOP for (int run = 0; run < kRuns; ++run) {
    const int64_t i =
        blockIdx.x * kTile + static_cast<int64_t>(run * kThreads + static_cast<int>(threadIdx.x)) * kWidth;
    if (i >= p.count) break;
    const bool whole = i + kWidth <= p.count;
    float predictions[kWidth] = {}, targets[kWidth] = {}, upstream[kWidth], losses[kWidth], grad[kWidth];
    RN_UNROLL for (int n = 0; n < kWidth; ++n) upstream[n] = p.one_upstream ? p.upstream[0] : 1.0f;
    const bool by_element = p.upstream && !p.one_upstream;
    if (whole) {
      LoadRun(p.predictions + i, p.aligned, predictions);
      LoadRun(p.targets + i, p.aligned, targets);
      if (by_element) LoadRun(p.upstream + i, p.aligned, upstream);
    }
    int64_t row = p.weights ? (p.first + i) / p.columns : 0;
    int64_t column = p.weights ? p.first + i - row * p.columns : 0;
    RN_UNROLL for (int n = 0; n < kWidth; ++n) {
      losses[n] = grad[n] = 0;
      if (i + n >= p.count) break;
      Element element{predictions[n], targets[n], upstream[n], unit};
      if (!whole) {
        element.prediction = p.predictions[i + n];
        element.target = p.targets[i + n];
        if (by_element) element.upstream = p.upstream[i + n];
      }
      if (p.weights) {
        element.scale = static_cast<double>(p.weights[row]) / p.normalizer;
        if (++column == p.columns) column = 0, ++row;
      }
      Compute(p, element, sum, losses[n], grad[n]);
      if (!whole && p.losses) p.losses[i + n] = losses[n];
      if (!whole && p.grad) p.grad[i + n] = grad[n];
    }
    if (whole && p.losses) StoreRun(p.losses + i, p.aligned, losses);
    if (whole && p.grad) StoreRun(p.grad + i, p.aligned, grad);
  }
  sum = BlockSum<kThreads>(shared.sums, sum);
  if (threadIdx.x == 0) p.sums[blockIdx.x] = sum;
}

bool Aligned(const void* array) { return reinterpret_cast<uintptr_t>(array) % 16 == 0; }

}  // namespace

rn_status SmoothL1(const rn_smooth_l1* args) {
  return Guarded([&] {
    const rn_smooth_l1& op = *args;
    const Turn turn(op.place);
    Device& device = turn.device;
    Arrays arrays(device, op.place.memory);
    const int64_t elements = op.rows * op.columns, tiles = DivideUp(elements, kTile);
    const Scratch<double> sums(device, tiles);
    SmoothL1Arguments p{};
    p.weights = arrays.In(op.weights, op.rows);
    p.one_upstream = op.grad_output && op.grad_output_count == 1;
    const float* const one_upstream = p.one_upstream ? arrays.In(op.grad_output, 1) : nullptr;
    p.columns = op.columns;
    p.beta = op.beta;
    p.normalizer = op.normalizer;
    double* const loss_sum = arrays.Out(op.loss_sum, 1);
    // Arrays in the order of the list below.
    const auto queue = [&](int64_t first, int64_t count, void* const* at) {
      p.predictions = static_cast<const float*>(at[0]);
      p.targets = static_cast<const float*>(at[1]);
      p.upstream = p.one_upstream ? one_upstream : static_cast<const float*>(at[2]);
      p.losses = static_cast<float*>(at[3]);
      p.grad = static_cast<float*>(at[4]);
      p.aligned = std::all_of(at, at + 5, Aligned);
      p.first = first;
      p.count = count;
      p.sums = sums.get() + first / kTile;
      Launch(device, DivideUp(count, kTile), kThreads, SmoothL1Kernel, p);
    };
    const std::vector<HostArray> by_element = {
        Read(op.predictions), Read(op.targets), Read(p.one_upstream ? nullptr : op.grad_output),
        Written(op.losses),   Written(op.grad),
    };
    if (op.place.memory == RN_DEVICE) {
      void* const at[] = {by_element[0].host, by_element[1].host, by_element[2].host, by_element[3].host,
                          by_element[4].host};
      queue(0, elements, at);
    } else {
      StreamThrough(device, by_element, elements, kPieceBytes / 4, queue);
    }
    Finish(device, {sums.get(), tiles, loss_sum});
    arrays.Finish();
  });
}

}  // namespace rn::cuda
