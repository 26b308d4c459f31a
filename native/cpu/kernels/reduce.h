// Sums and extremes of rows and of columns.
#ifndef RETINANET_OPS_KERNELS_REDUCE_H
#define RETINANET_OPS_KERNELS_REDUCE_H

#include "elementwise.h"

namespace rn::cpu::RN_ISA {

RN_NOINLINE double SumRow(const float* values, int64_t count) {
  constexpr int64_t kLanes = Float::kLanes;
  Sum sums[2];
  int64_t i = 0;
  for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
    sums[0].Add(Load(values + i));
    sums[1].Add(Load(values + i + kLanes));
  }
  double total = sums[0].Total() + sums[1].Total();
  for (; i < count; ++i) total += static_cast<double>(values[i]);
  return total;
}

// A last vector may hold what stands behind its columns.
RN_NOINLINE void SumColumns(const ColumnRun& run, double* sums) {
  constexpr int64_t kLanes = Float::kLanes, kVectors = 4;
  int64_t column = 0;
  for (; column + kVectors * kLanes <= run.columns; column += kVectors * kLanes) {
    Sum of[kVectors];
    for (int64_t row = 0; row < run.rows; ++row) {
      const float* const values = run.values + row * run.pitch + column;
      RN_UNROLL_TILE for (int64_t v = 0; v < kVectors; ++v) of[v].Add(Load(values + v * kLanes));
    }
    for (int64_t v = 0; v < kVectors; ++v) of[v].AddTo(sums + column + v * kLanes);
  }
  for (; column < run.columns; column += kLanes) {
    const int64_t count = run.columns - column < kLanes ? run.columns - column : kLanes;
    Sum of;
    int64_t row = 0;
    for (; row < run.rows && row * run.pitch + column + kLanes <= run.readable; ++row) {
      of.Add(Load(run.values + row * run.pitch + column));
    }
    for (; row < run.rows; ++row) of.Add(LoadSome(run.values + row * run.pitch + column, count));
    double lanes[Float::kLanes] = {};
    of.AddTo(lanes);
    for (int64_t i = 0; i < count; ++i) sums[column + i] += lanes[i];
  }
}

// The larger, or the smaller, of each column and of `best`.
template <bool kLargest>
void ExtremeOfColumns(const ColumnRun& run, float* best) {
  constexpr int64_t kLanes = Float::kLanes;
  const auto of = [](Float a, Float b) { return kLargest ? LargerOf(a, b) : SmallerOf(a, b); };
  for (int64_t column = 0; column < run.columns; column += kLanes) {
    const int64_t count = run.columns - column < kLanes ? run.columns - column : kLanes;
    Float found = LoadSome(best + column, count);
    int64_t row = 0;
    for (; row < run.rows && row * run.pitch + column + kLanes <= run.readable; ++row) {
      found = of(found, Load(run.values + row * run.pitch + column));
    }
    for (; row < run.rows; ++row) found = of(found, LoadSome(run.values + row * run.pitch + column, count));
    StoreSome(best + column, found, count);
  }
}

constexpr ReduceKernels kReduce = {SumRow, SumColumns, {ExtremeOfColumns<true>, ExtremeOfColumns<false>}};

}  // namespace rn::cpu::RN_ISA

#endif
