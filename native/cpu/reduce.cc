// Sums, means and extremes over the middle one of three axes. Rows of it are cut into parts that depend on the problem
// alone, summed in float64, and these added up in order: results have the same bits for every number of threads.
#include <algorithm>
#include <limits>
#include <vector>

#include "../threads/thread_pool.h"
#include "cpu_backend.h"
#include "kernels/kernels.h"
#include "status.h"

namespace rn::cpu {
namespace {

constexpr int64_t kBlock = 32768;  // elements of a task
constexpr int64_t kMostColumns = 256;
constexpr int64_t kRowColumns = 64;  // a row as a matrix of so many columns

// How [outer, reduced, inner] is cut.
struct Parts {
  explicit Parts(const rn_reduce& op)
      : columns(std::min(op.inner, kMostColumns)),
        column_parts(NumBlocks(op.inner, columns)),
        rows(std::max<int64_t>(1, kBlock / columns)),
        row_parts(NumBlocks(op.reduced, rows)) {}
  int64_t columns, column_parts, rows, row_parts;
};

// Calls visit(run, outer index, part of rows, first column) for each part, on several threads.
template <class Visit>
void ForEachPart(const rn_reduce& op, const Parts& parts, const Visit& visit) {
  const int64_t matrix = op.reduced * op.inner, total = op.outer * matrix;
  const int64_t in_one = parts.row_parts * parts.column_parts, tasks = op.outer * in_one;
  // Small ones several at a time.
  const int64_t together = std::clamp<int64_t>(kBlock / std::max<int64_t>(1, matrix), 1, 4096);
  ParallelFor(NumBlocks(tasks, together), [&](int64_t block) {
    for (int64_t task = block * together; task < std::min(tasks, (block + 1) * together); ++task) {
      const int64_t outer = task / in_one, row_part = task % in_one / parts.column_parts;
      const int64_t row = row_part * parts.rows, column = task % parts.column_parts * parts.columns;
      const int64_t first = outer * matrix + row * op.inner + column;
      visit(ColumnRun{op.input + first, std::min(parts.rows, op.reduced - row),
                      std::min(parts.columns, op.inner - column), op.inner, total - first},
            outer, row_part, column);
    }
  });
}

void Sums(const rn_reduce& op) {
  const ReduceKernels& kernels = ActiveKernels()->reduce;
  const Parts parts(op);
  const double divisor = op.kind == RN_MEAN ? static_cast<double>(op.reduced) : 1;
  const auto sum = [&](const ColumnRun& run, double* sums) {
    if (op.inner == 1) {
      sums[0] += kernels.sum_row(run.values, run.rows);
    } else {
      kernels.sum_columns(run, sums);
    }
  };
  if (parts.row_parts == 1) {
    ForEachPart(op, parts, [&](const ColumnRun& run, int64_t outer, int64_t, int64_t column) {
      double sums[kMostColumns] = {};
      sum(run, sums);
      float* const out = op.output + outer * op.inner + column;
      for (int64_t i = 0; i < run.columns; ++i) out[i] = static_cast<float>(sums[i] / divisor);
    });
    return;
  }
  std::vector<double> partial(static_cast<size_t>(op.outer * parts.row_parts * op.inner));
  ForEachPart(op, parts, [&](const ColumnRun& run, int64_t outer, int64_t row_part, int64_t column) {
    sum(run, partial.data() + (outer * parts.row_parts + row_part) * op.inner + column);
  });
  for (int64_t outer = 0; outer < op.outer; ++outer) {
    for (int64_t i = 0; i < op.inner; ++i) {
      double total = 0;
      const double* const of = partial.data() + outer * parts.row_parts * op.inner + i;
      for (int64_t part = 0; part < parts.row_parts; ++part) total += of[part * op.inner];
      op.output[outer * op.inner + i] = static_cast<float>(total / divisor);
    }
  }
}

using ExtremeKernel = void (*)(const ColumnRun&, float*);

// Of one row: as columns first.
void ExtremeOfRow(ExtremeKernel extreme, const float* values, int64_t count, float* best) {
  const int64_t rows = count / kRowColumns;
  if (rows > 1) {
    float columns[kRowColumns];
    std::copy(values, values + kRowColumns, columns);
    extreme({values, rows, kRowColumns, kRowColumns, count}, columns);
    extreme({columns, kRowColumns, 1, 1, kRowColumns}, best);
  }
  const int64_t done = rows > 1 ? rows * kRowColumns : 0;
  extreme({values + done, count - done, 1, 1, count - done}, best);
}

void Extremes(const rn_reduce& op) {
  const ExtremeKernel extreme = ActiveKernels()->reduce.extremes[op.kind == RN_MAX ? 0 : 1];
  const float infinity = std::numeric_limits<float>::infinity(), none = op.kind == RN_MAX ? -infinity : infinity;
  const Parts parts(op);
  std::vector<float> partial(static_cast<size_t>(op.outer * parts.row_parts * op.inner), none);
  ForEachPart(op, parts, [&](const ColumnRun& run, int64_t outer, int64_t row_part, int64_t column) {
    float* const best = partial.data() + (outer * parts.row_parts + row_part) * op.inner + column;
    if (op.inner == 1) {
      ExtremeOfRow(extreme, run.values, run.rows, best);
    } else {
      extreme(run, best);
    }
  });
  std::fill(op.output, op.output + op.outer * op.inner, none);
  for (int64_t outer = 0; outer < op.outer; ++outer) {
    const int64_t floats = parts.row_parts * op.inner;
    extreme({partial.data() + outer * floats, parts.row_parts, op.inner, op.inner, floats},
            op.output + outer * op.inner);
  }
}

}  // namespace

rn_status Reduce(const rn_reduce* op) {
  return Guarded([&] {
    if (op->outer == 0 || op->inner == 0) return;
    if (op->kind == RN_SUM || op->kind == RN_MEAN) {
      Sums(*op);
    } else {
      Extremes(*op);
    }
  });
}

}  // namespace rn::cpu
