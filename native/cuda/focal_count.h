// Counting positive rows before the losses, which may be divided by their number.
#ifndef RETINANET_OPS_CUDA_FOCAL_COUNT_H
#define RETINANET_OPS_CUDA_FOCAL_COUNT_H

#include "focal_arguments.h"
#include "reduce.h"

namespace rn::cuda {

constexpr int kCountPasses = 8;

// Rows of a chunk: positive are those that count and have a class, or any target above 0.
struct CountArguments {
  const int32_t* labels;
  const float* targets;
  const float* weights;  // optional
  int64_t rows, classes;
  int lanes;  // that share a row: a power of two, at most a warp
  double* counts;
};

// Lanes for the targets of a row; a label is one lane's.
inline int CountLanes(bool labels, int64_t classes) {
  int lanes = 1;
  while (!labels && lanes < kWarp && lanes < classes) lanes *= 2;
  return lanes;
}
inline int64_t RowsPerCountBlock(int lanes) { return int64_t{kCountPasses} * kFocalThreads / lanes; }

template <class = void>
__global__ void __launch_bounds__(kFocalThreads) CountPositives(CountArguments p) {
  struct Shared {
    double counts[kFocalThreads];
  };
  RN_SHARED(Shared, shared);
  const int thread = static_cast<int>(threadIdx.x), lane = thread % p.lanes;
  const int rows_per_pass = kFocalThreads / p.lanes;
  const unsigned row_lanes = (kAllLanes >> (kWarp - p.lanes)) << (thread % kWarp - lane);
  int64_t row = static_cast<int64_t>(blockIdx.x) * kCountPasses * rows_per_pass + thread / p.lanes;
  int count = 0;
  RN_KEEP_LOOP for (int pass = 0; pass < kCountPasses; ++pass, row += rows_per_pass) {
    bool positive = false;
    if (row < p.rows && !(p.weights && p.weights[row] == 0)) {
      if (p.labels) {
        positive = p.labels[row] >= 0 && !IsIgnored(p.labels[row], p.classes);
      } else {
        for (int64_t k = lane; k < p.classes && !positive; k += p.lanes) positive = p.targets[row * p.classes + k] > 0;
      }
    }
    count += (__ballot_sync(kAllLanes, positive) & row_lanes) != 0 && lane == 0;
  }
  const double sum = BlockSum<kFocalThreads>(shared.counts, count);
  if (threadIdx.x == 0) p.counts[blockIdx.x] = sum;
}

}  // namespace rn::cuda

#endif
