// What is computed element by element, and copies from places to places.
#include <algorithm>
#include <cstring>
#include <vector>

#include "cpu_backend.h"
#include "kernels/kernels.h"
#include "repeated.h"
#include "status.h"
#include "strides.h"

namespace rn::cpu {

rn_status Unary(const rn_unary* op) {
  const auto kernel = ActiveKernels()->elementwise.unary[op->kind];
  constexpr int64_t kBlock = 16384;
  ParallelFor(NumBlocks(op->count, kBlock), [&](int64_t block) {
    const int64_t first = block * kBlock;
    kernel({op->input + first, op->output + first, std::min(kBlock, op->count - first), op->alpha, op->beta});
  });
  return {RN_OK, ""};
}

namespace {

// Of rows, with the one operand the same in each of them.
void BinaryOfRows(const rn_binary& op, int64_t count, int64_t columns, bool repeats_a) {
  const auto kernel = ActiveKernels()->elementwise.binary[op.kind];
  const std::vector<float> repeated = Repeated(repeats_a ? op.a : op.b, columns);
  const int64_t together = columns * kRepeats;
  ParallelFor(NumBlocks(count, together), [&](int64_t block) {
    const int64_t first = block * together;
    const float* const a = repeats_a ? repeated.data() : op.a + first;
    const float* const b = repeats_a ? op.b + first : repeated.data();
    kernel({a, b, false, false, op.output + first, std::min(together, count - first), op.alpha});
  });
}

void RunBinary(const rn_binary& op) {
  int64_t a_strides[RN_MAX_RANK] = {}, b_strides[RN_MAX_RANK] = {}, output_strides[RN_MAX_RANK] = {};
  BroadcastStrides(op.a_shape, a_strides);
  BroadcastStrides(op.b_shape, b_strides);
  BroadcastStrides(op.shape, output_strides);
  const StridedWalk<3> walk(op.shape, {a_strides, b_strides, output_strides});
  if (walk.count() == 0) return;
  if (walk.run_length() < kShortRow && walk.IsOneRun(2)) {
    if (walk.Repeats(0) && walk.IsOneRun(1)) return BinaryOfRows(op, walk.count(), walk.run_length(), true);
    if (walk.Repeats(1) && walk.IsOneRun(0)) return BinaryOfRows(op, walk.count(), walk.run_length(), false);
  }
  const auto kernel = ActiveKernels()->elementwise.binary[op.kind];
  const bool one_a = walk.step(0) == 0, one_b = walk.step(1) == 0;
  walk.ForEachRunInParallel([&](const int64_t (&offsets)[3], int64_t count) {
    kernel({op.a + offsets[0], op.b + offsets[1], one_a, one_b, op.output + offsets[2], count, op.alpha});
  });
}

}  // namespace

rn_status Binary(const rn_binary* op) {
  return Guarded([&] { RunBinary(*op); });
}

rn_status StridedCopy(const rn_strided_copy* op) {
  const StridedWalk<2> walk(op->shape, {op->input_strides, op->output_strides});
  const int64_t from_step = walk.step(0), to_step = walk.step(1);
  walk.ForEachRunInParallel([&](const int64_t (&offsets)[2], int64_t count) {
    const float* const from = op->input + offsets[0];
    float* const to = op->output + offsets[1];
    if (from_step == 1 && to_step == 1) {
      std::memcpy(to, from, static_cast<size_t>(count) * sizeof(float));
    } else {
      for (int64_t i = 0; i < count; ++i) to[i * to_step] = from[i * from_step];
    }
  });
  return {RN_OK, ""};
}

}  // namespace rn::cpu
