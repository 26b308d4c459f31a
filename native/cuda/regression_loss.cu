// The losses of a regression: value, gradient, or both in one pass.
#include <algorithm>

#include "../backend/regression.h"
#include "arrays.h"
#include "cuda_backend.h"
#include "reduce.h"
#include "transfer.h"
#include "vector_access.h"

namespace rn::cuda {
namespace {

// A thread takes kRun predictions at a time, of which `kRun / width` losses are made.
constexpr int kThreads = 256, kRun = 4, kRuns = 4;
constexpr int64_t kTile = int64_t{kThreads} * kRun * kRuns;
static_assert(kPieceBytes / 4 % kTile == 0, "chunks of host arrays are whole tiles: sums have the same bits");

// Predictions [first, first + count) of all; the arrays begin at the first of them or at its loss.
struct RegressionArguments {
  const float* predictions;
  const float* targets;
  const float* weights;   // optional, by row
  const float* upstream;  // optional, by loss
  bool one_upstream;      // for all losses
  float* losses;          // optional
  float* grad;            // optional
  int64_t first, count, columns;
  bool aligned;  // all arrays by prediction or loss
  double normalizer;
  double* sums;  // by tile
};

template <int kCount>
__device__ void LoadSome(const float* from, bool aligned, float (&values)[kCount]) {
  if constexpr (kCount == 1) {
    values[0] = *from;
  } else {
    LoadRun(from, aligned, values);
  }
}
template <int kCount>
__device__ void StoreSome(float* to, bool aligned, const float (&values)[kCount]) {
  if constexpr (kCount == 1) {
    *to = values[0];
  } else {
    StoreRun(to, aligned, values);
  }
}

template <class Formula>
__global__ void __launch_bounds__(kThreads) RegressionKernel(const RegressionArguments p, const Formula formula) {
  struct Shared {
    double sums[kThreads];
  };
  RN_SHARED(Shared, shared);
  constexpr int kWidth = Formula::kWidth, kLosses = kRun / kWidth;
  const double unit = 1 / p.normalizer;
  double sum = 0;
  RN_KEEP_LOOP for (int run = 0; run < kRuns; ++run) {
    const int64_t i = blockIdx.x * kTile + static_cast<int64_t>(run * kThreads + static_cast<int>(threadIdx.x)) * kRun;
    if (i >= p.count) break;
    const bool whole = i + kRun <= p.count;
    float predictions[kRun] = {}, targets[kRun] = {}, upstream[kLosses], losses[kLosses], grad[kRun];
    RN_UNROLL for (int n = 0; n < kLosses; ++n) upstream[n] = p.one_upstream ? p.upstream[0] : 1.0f;
    const bool by_loss = p.upstream && !p.one_upstream;
    if (whole) {
      LoadRun(p.predictions + i, p.aligned, predictions);
      LoadRun(p.targets + i, p.aligned, targets);
      if (by_loss) LoadSome(p.upstream + i / kWidth, p.aligned, upstream);
    }
    int64_t row = p.weights ? (p.first + i) / p.columns : 0;
    int64_t column = p.weights ? p.first + i - row * p.columns : 0;
    RN_UNROLL for (int n = 0; n < kLosses; ++n) {
      const int at = n * kWidth;
      losses[n] = 0;
      RN_UNROLL for (int k = 0; k < kWidth; ++k) grad[at + k] = 0;
      if (i + at >= p.count) break;
      double scale = unit;  // the row's weight by the normalizer; 0: the loss does not count
      if (!whole) {
        RN_UNROLL for (int k = 0; k < kWidth; ++k) {
          predictions[at + k] = p.predictions[i + at + k];
          targets[at + k] = p.targets[i + at + k];
        }
        if (by_loss) upstream[n] = p.upstream[i / kWidth + n];
      }
      if (p.weights) {
        scale = static_cast<double>(p.weights[row]) / p.normalizer;
        column += kWidth;
        if (column == p.columns) column = 0, ++row;
      }
      if (scale != 0) {
        const RegressionTerm<kWidth> term = formula(predictions + at, targets + at);
        sum += scale * term.loss;
        losses[n] = static_cast<float>(scale * term.loss);
        RN_UNROLL for (int k = 0; k < kWidth; ++k) {
          grad[at + k] = static_cast<float>(static_cast<double>(upstream[n]) * scale * term.grad[k]);
        }
      }
      if (!whole && p.losses) p.losses[i / kWidth + n] = losses[n];
      if (!whole && p.grad) {
        RN_UNROLL for (int k = 0; k < kWidth; ++k) p.grad[i + at + k] = grad[at + k];
      }
    }
    if (whole && p.losses) StoreSome(p.losses + i / kWidth, p.aligned, losses);
    if (whole && p.grad) StoreRun(p.grad + i, p.aligned, grad);
  }
  sum = BlockSum<kThreads>(shared.sums, sum);
  if (threadIdx.x == 0) p.sums[blockIdx.x] = sum;
}

bool Aligned(const void* array) { return reinterpret_cast<uintptr_t>(array) % 16 == 0; }

template <class Formula>
void Queue(Device& device, const rn_regression_loss& op, const Formula& formula) {
  constexpr int kWidth = Formula::kWidth;
  static_assert(kRun % kWidth == 0, "losses do not reach from one run into the next");
  Arrays arrays(device, op.place.memory);
  const int64_t predictions = op.rows * op.columns, tiles = DivideUp(predictions, kTile);
  const Scratch<double> sums(device, tiles);
  RegressionArguments p{};
  p.weights = arrays.In(op.weights, op.rows);
  p.one_upstream = op.grad_output && op.grad_output_count == 1;
  const float* const one_upstream = p.one_upstream ? arrays.In(op.grad_output, 1) : nullptr;
  p.columns = op.columns;
  p.normalizer = op.normalizer;
  double* const loss_sum = arrays.Out(op.loss_sum, 1);
  const std::vector<HostArray> by_loss = {
      Read(op.predictions, kWidth), Read(op.targets, kWidth), Read(p.one_upstream ? nullptr : op.grad_output),
      Written(op.losses),           Written(op.grad, kWidth),
  };
  // Arrays in that order.
  const auto queue = [&](int64_t first, int64_t count, void* const* at) {
    p.predictions = static_cast<const float*>(at[0]);
    p.targets = static_cast<const float*>(at[1]);
    p.upstream = p.one_upstream ? one_upstream : static_cast<const float*>(at[2]);
    p.losses = static_cast<float*>(at[3]);
    p.grad = static_cast<float*>(at[4]);
    p.aligned = std::all_of(at, at + 5, Aligned);
    p.first = kWidth * first;
    p.count = kWidth * count;
    p.sums = sums.get() + p.first / kTile;
    Launch(device, DivideUp(p.count, kTile), kThreads, RegressionKernel<Formula>, p, formula);
  };
  if (op.place.memory == RN_DEVICE) {
    void* at[5];
    for (size_t i = 0; i < by_loss.size(); ++i) at[i] = by_loss[i].host;
    queue(0, predictions / kWidth, at);
  } else {
    StreamThrough(device, by_loss, predictions / kWidth, kPieceBytes / 4 / kWidth, queue);
  }
  Finish(device, {sums.get(), tiles, loss_sum});
  arrays.Finish();
}

}  // namespace

rn_status RegressionLoss(const rn_regression_loss* args) {
  return Guarded([&] {
    const Turn turn(args->place);
    WithRegression(args->kind, args->beta, [&](const auto& formula) { Queue(turn.device, *args, formula); });
  });
}

}  // namespace rn::cuda
