// Walks arrays of up to RN_MAX_RANK axes, several at once, run by run of their last axis.
#ifndef RETINANET_OPS_CPU_STRIDES_H
#define RETINANET_OPS_CPU_STRIDES_H

#include <algorithm>
#include <cstdint>

#include "../backend/parameters.h"
#include "../threads/thread_pool.h"

namespace rn::cpu {

// Places of elements in kArrays arrays, by strides. Axes of one element are left out, and those put together that are
// one run in all arrays; there is always a last one.
template <int kArrays>
class StridedWalk {
 public:
  explicit StridedWalk(const rn_shape& shape, const int64_t* const (&strides)[kArrays]) {
    for (int axis = 0; axis < shape.rank; ++axis) {
      if (shape.sizes[axis] == 1) continue;
      bool continues = rank_ > 0;
      for (int k = 0; k < kArrays && continues; ++k) {
        continues = strides_[k][rank_ - 1] == strides[k][axis] * shape.sizes[axis];
      }
      if (continues) {
        sizes_[rank_ - 1] *= shape.sizes[axis];
      } else {
        sizes_[rank_++] = shape.sizes[axis];
      }
      for (int k = 0; k < kArrays; ++k) strides_[k][rank_ - 1] = strides[k][axis];
    }
    if (rank_ == 0) {
      rank_ = 1;
      sizes_[0] = 1;
      for (int k = 0; k < kArrays; ++k) strides_[k][0] = 1;
    }
    for (int axis = 0; axis < rank_; ++axis) count_ *= sizes_[axis];
  }

  int64_t count() const { return count_; }
  // Whether there are two axes, of which the first only repeats the array, or goes over it without a gap.
  bool Repeats(int array) const { return rank_ == 2 && strides_[array][0] == 0 && strides_[array][1] == 1; }
  bool IsOneRun(int array) const {
    return rank_ == 1 ? strides_[array][0] == 1
                      : rank_ == 2 && strides_[array][0] == sizes_[1] && strides_[array][1] == 1;
  }
  int64_t run_length() const { return sizes_[rank_ - 1]; }
  // From an element of a run to the next.
  int64_t step(int array) const { return strides_[array][rank_ - 1]; }

  // Calls visit(offsets, count) for each run, or part of one, of the elements [begin, end); offsets[k] is where it
  // starts in array k.
  template <class Visit>
  void ForEachRun(int64_t begin, int64_t end, const Visit& visit) const {
    if (begin >= end) return;
    int64_t place[RN_MAX_RANK] = {}, offsets[kArrays] = {};
    int64_t rest = begin;
    for (int axis = rank_ - 1; axis >= 0; --axis) {
      place[axis] = rest % sizes_[axis];
      rest /= sizes_[axis];
      for (int k = 0; k < kArrays; ++k) offsets[k] += place[axis] * strides_[k][axis];
    }
    const int last = rank_ - 1;
    for (int64_t done = begin; done < end;) {
      const int64_t count = std::min(sizes_[last] - place[last], end - done);
      visit(offsets, count);
      done += count;
      // The rest of the run is over: back to its start, and on to the next.
      for (int k = 0; k < kArrays; ++k) offsets[k] -= place[last] * strides_[k][last];
      place[last] = 0;
      for (int axis = last - 1; axis >= 0; --axis) {
        for (int k = 0; k < kArrays; ++k) offsets[k] += strides_[k][axis];
        if (++place[axis] < sizes_[axis]) break;
        for (int k = 0; k < kArrays; ++k) offsets[k] -= sizes_[axis] * strides_[k][axis];
        place[axis] = 0;
      }
    }
  }

  // The same of all elements, on several threads.
  template <class Visit>
  void ForEachRunInParallel(const Visit& visit) const {
    ParallelFor(NumBlocks(count_, kBlock),
                [&](int64_t block) { ForEachRun(block * kBlock, std::min(count_, (block + 1) * kBlock), visit); });
  }

 private:
  static constexpr int64_t kBlock = 16384;  // elements; less is done before another thread has woken up

  int rank_ = 0;
  int64_t sizes_[RN_MAX_RANK] = {}, strides_[kArrays][RN_MAX_RANK] = {};
  int64_t count_ = 1;
};

// Of an array whose sizes are those of a larger shape, or 1, where it is broadcast.
inline void BroadcastStrides(const rn_shape& of, int64_t (&strides)[RN_MAX_RANK]) {
  int64_t stride = 1;
  for (int axis = of.rank - 1; axis >= 0; --axis) {
    strides[axis] = of.sizes[axis] == 1 ? 0 : stride;
    stride *= of.sizes[axis];
  }
}

}  // namespace rn::cpu

#endif
