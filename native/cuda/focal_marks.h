// Where in a tile there is something else than background logits: what a block of the plain focal loss keeps in shared
// memory.
#ifndef RETINANET_OPS_CUDA_FOCAL_MARKS_H
#define RETINANET_OPS_CUDA_FOCAL_MARKS_H

#include "focal_arguments.h"

namespace rn::cuda {

// Bit 16 * 0 + n: element n of the thread's step is its row's class; bit 16 * 1 + n: its row is ignored.
template <class T>
struct FocalTile {
  unsigned marks[kSteps<T>][kFocalThreads];
  double sums[kFocalThreads];
  FocalScales scales;
  bool lean;  // nothing to read but logits and nothing to write but the gradient, in whole runs
  int positives;
};

// Which element of a tile is whose: runs of 16 bytes, neighbouring threads beside each other.
template <class T>
struct FocalLayout {
  static constexpr int kWidth = static_cast<int>(16 / sizeof(T));
  static constexpr int kRuns = kPerThread / kWidth;
  static constexpr unsigned kRunBits = (1u << kWidth) - 1;
  static __device__ int RunStart(int step, int run) {
    return step * kFocalStep + (run * kFocalThreads + static_cast<int>(threadIdx.x)) * kWidth;
  }
  // Marks `count` elements of one run from `i` on, bit 0 of the first shifted by `kind`.
  static __device__ void Mark(FocalTile<T>& tile, int i, int count, int kind) {
    const int step = i / kFocalStep, run = i % kFocalStep / (kFocalThreads * kWidth);
    const int bit = run * kWidth + i % kWidth + kind;
    atomicOr(&tile.marks[step][i / kWidth % kFocalThreads], ((1u << count) - 1) << bit);
  }
};

// Marks the rows that meet the tile, whose element 0 is element `begin` of the call, and counts positive ones. The
// first labels are on their way while the block waits for an empty tile.
template <class T>
__device__ void MarkRows(const FocalArguments& p, int64_t begin, FocalTile<T>& tile) {
  using Layout = FocalLayout<T>;
  const int64_t origin = p.first + begin;
  const int64_t from = p.first + max(begin, static_cast<int64_t>(0)),
                to = p.first + min(begin + kFocalTile<T>, p.count);
  int64_t row = from / p.classes + threadIdx.x;
  int32_t next_label = row * p.classes < to ? p.labels[row] : RN_LABEL_BACKGROUND;
  __syncthreads();
  int positives = 0;
  for (; row * p.classes < to; row += kFocalThreads) {
    const int32_t label = next_label;
    next_label = (row + kFocalThreads) * p.classes < to ? p.labels[row + kFocalThreads] : RN_LABEL_BACKGROUND;
    if (label == RN_LABEL_BACKGROUND) continue;
    const int64_t start = row * p.classes - origin;
    if (IsIgnored(label, p.classes)) {
      const int last = static_cast<int>(min(start + p.classes, to - origin));
      for (int i = static_cast<int>(max(start, static_cast<int64_t>(0))); i < last;) {
        const int count = min(Layout::kWidth - i % Layout::kWidth, last - i);
        Layout::Mark(tile, i, count, kPerThread);
        i += count;
      }
    } else {
      const int64_t i = start + label;
      if (i >= 0 && i < to - origin) Layout::Mark(tile, static_cast<int>(i), 1, 0);
      positives += row * p.classes >= from;
    }
  }
  if (positives > 0) atomicAdd(&tile.positives, positives);
}

}  // namespace rn::cuda

#endif
