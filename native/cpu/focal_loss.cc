// Sigmoid focal loss: value, gradient, or both in one pass. The kernels work in float32 on runs of counted rows; what
// float32 cannot hold (infinite logits, NaN, losses below its exponents) is done again in float64.
#include "../math/focal_loss.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "cpu_backend.h"
#include "kernels/kernels.h"
#include "status.h"
#include "thread_pool.h"

namespace rn::cpu {
namespace {

// Losses are summed a block at a time, in an order that the number of threads has no part in.
constexpr int64_t kBlockElements = 8192;
constexpr int64_t kBlocksPerJob = 4;
// Gradients larger than this leave the caches before anybody reads them: writing past the cache saves reading them in.
constexpr int64_t kStreamBytes = 8 << 20;

double PerClass(const rn_per_class& parameter, int64_t k) { return parameter.values[parameter.count == 1 ? 0 : k]; }

// Blocks of whole rows, or pieces of rows longer than a block.
struct Blocks {
  int64_t classes, rows, elements, per_row, rows_per_block, count;

  Blocks(int64_t n, int64_t k) : classes(std::max<int64_t>(1, k)), rows(k > 0 ? n : 0), elements(n * k) {
    per_row = NumBlocks(classes, kBlockElements);
    rows_per_block = per_row > 1 ? 1 : kBlockElements / classes;
    count = per_row > 1 ? rows * per_row : NumBlocks(rows, rows_per_block);
  }
  int64_t Begin(int64_t block) const {
    if (block >= count) return elements;
    return per_row > 1 ? block / per_row * classes + block % per_row * kBlockElements
                       : block * rows_per_block * classes;
  }
};

// alpha and gamma by element: a period of whole rows, so that a vector may be loaded at any class.
class Tables {
 public:
  Tables(const rn_focal_loss& op, double scale) {
    gamma_kind_ = GammaKind(op.gamma);
    const int64_t classes = std::max<int64_t>(1, op.classes);
    const bool per_class = (op.alpha.values && op.alpha.count > 1) || (gamma_kind_ == kGammaReal && op.gamma.count > 1);
    const int64_t repeated = per_class ? classes : 1;
    period_ = repeated * NumBlocks(FocalSpan::kTablePadding, repeated);
    const int64_t length = period_ + FocalSpan::kTablePadding;
    values_.resize(static_cast<size_t>(4 * length));
    float* const tables[4] = {values_.data(), values_.data() + length, values_.data() + 2 * length,
                              values_.data() + 3 * length};
    for (int64_t i = 0; i < length; ++i) {
      const int64_t k = i % repeated;
      const double alpha = op.alpha.values ? PerClass(op.alpha, k) : 0;
      const double gamma = PerClass(op.gamma, k);
      tables[0][i] = static_cast<float>(scale * (op.alpha.values ? AlphaWeight(alpha, 0) : 1));
      tables[1][i] = static_cast<float>(scale * (op.alpha.values ? AlphaWeight(alpha, 1) : 1));
      tables[2][i] = static_cast<float>(gamma);
      tables[3][i] = static_cast<float>(gamma - static_cast<double>(tables[2][i]));
    }
    background_is_free_ = std::all_of(tables[0], tables[0] + length, [](float weight) { return weight == 0; });
  }

  FocalGamma gamma_kind() const { return gamma_kind_; }
  // All losses of background elements are 0 by their weight.
  bool background_is_free() const { return background_is_free_; }

  void Fill(FocalSpan& span) const {
    const int64_t length = period_ + FocalSpan::kTablePadding;
    span.table_period = period_;
    span.background_weight = values_.data();
    span.class_weight = values_.data() + length;
    span.gamma = values_.data() + 2 * length;
    span.gamma_rest = values_.data() + 3 * length;
  }

 private:
  static FocalGamma GammaKind(const rn_per_class& gamma) {
    const double first = gamma.values[0];
    if (std::any_of(gamma.values, gamma.values + gamma.count, [&](double g) { return g != first; })) return kGammaReal;
    return first == 0 ? kGamma0 : first == 1 ? kGamma1 : first == 2 ? kGamma2 : kGammaReal;
  }

  FocalGamma gamma_kind_;
  bool background_is_free_;
  int64_t period_;
  std::vector<float> values_;
};

bool Overlap(const float* a, const float* b, int64_t elements) {
  return a && b && a < b + elements && b < a + elements;
}

class FocalLossRun {
 public:
  FocalLossRun(const rn_focal_loss& op, double scale)
      : op_(op),
        scale_(scale),
        tables_(op, scale),
        blocks_(op.rows, op.classes),
        kernel_(ActiveKernels()->focal_loss[Targets(op)][tables_.gamma_kind()]) {
    // Losses below this may lack what fell under float32's exponents.
    smallest_sum_ = scale * 1e-25;
    if (op.grad_output_count == 1 && op.grad_output) {
      std::fill_n(upstream_, FocalSpan::kTablePadding, op.grad_output[0]);
    }
    for (const float* out : {op.losses, op.grad}) {
      for (const float* in : {op.logits, op.targets, op.grad_output_count > 1 ? op.grad_output : nullptr}) {
        in_place_ |= Overlap(out, in, blocks_.elements);
      }
    }
    stream_ = op.grad && !in_place_ && blocks_.elements * static_cast<int64_t>(sizeof(float)) >= kStreamBytes;
  }

  // Sum of all losses.
  double Run() const {
    std::vector<double> sums(static_cast<size_t>(blocks_.count));
    ParallelFor(NumBlocks(blocks_.count, kBlocksPerJob), [&](int64_t job) {
      const int64_t last = std::min(blocks_.count, (job + 1) * kBlocksPerJob);
      for (int64_t block = job * kBlocksPerJob; block < last; ++block) sums[static_cast<size_t>(block)] = Block(block);
    });
    double total = 0;
    for (const double sum : sums) total += sum;
    return total;
  }

 private:
  // A block's inputs, at the block's first element: the caller's arrays, or copies where outputs overwrite them.
  struct Inputs {
    const float *logits, *targets, *upstream;
  };

  static FocalTargets Targets(const rn_focal_loss& op) {
    return op.targets ? kDense : op.label_smoothing == 0 ? kHardBits : kSoftBits;
  }

  bool Ignored(int64_t row) const {
    return (op_.labels && op_.labels[row] == RN_LABEL_IGNORED) || (op_.anchor_weights && op_.anchor_weights[row] == 0);
  }

  double Block(int64_t block) const {
    const int64_t begin = blocks_.Begin(block), end = blocks_.Begin(block + 1);
    float copies[3][kBlockElements];
    Inputs inputs{op_.logits + begin, op_.targets ? op_.targets + begin : nullptr,
                  op_.grad_output_count > 1 ? op_.grad_output + begin : nullptr};
    if (in_place_) {
      int copy = 0;
      for (const float** input : {&inputs.logits, &inputs.targets, &inputs.upstream}) {
        if (!*input) continue;
        std::copy_n(*input, end - begin, copies[copy]);
        *input = copies[copy++];
      }
    }

    uint8_t class_bits[kBlockElements / 8 + 16];
    const bool any_class = MarkClasses(begin, end, class_bits);
    double sum = 0;
    const int64_t last_row = (end - 1) / blocks_.classes;
    for (int64_t row = begin / blocks_.classes; row <= last_row;) {
      const bool ignored = Ignored(row);
      int64_t next = row + 1;
      while (next <= last_row && Ignored(next) == ignored) ++next;
      const int64_t first = std::max(begin, row * blocks_.classes), last = std::min(end, next * blocks_.classes);
      if (ignored) {
        if (op_.losses) std::fill(op_.losses + first, op_.losses + last, 0.0f);
        if (op_.grad) std::fill(op_.grad + first, op_.grad + last, 0.0f);
      } else {
        const double run = Rows(inputs, begin, first, last, class_bits);
        const bool sound = run >= smallest_sum_ || (tables_.background_is_free() && !any_class && !op_.targets);
        sum += sound && std::isfinite(run) ? run : RowsInFloat64(inputs, begin, first, last);
      }
      row = next;
    }
    return sum;
  }

  // Sets the bits of the elements that are their row's class. Returns whether there is any.
  bool MarkClasses(int64_t begin, int64_t end, uint8_t* bits) const {
    if (!op_.labels) return false;
    std::memset(bits, 0, static_cast<size_t>((end - begin) / 8 + 16));
    bool any = false;
    for (int64_t row = begin / blocks_.classes; row * blocks_.classes < end; ++row) {
      if (op_.labels[row] < 0) continue;
      const int64_t i = row * blocks_.classes + op_.labels[row] - begin;
      if (i < 0 || i >= end - begin) continue;
      bits[i / 8] = static_cast<uint8_t>(bits[i / 8] | 1u << (i % 8));
      any = true;
    }
    return any;
  }

  // The counted elements [first, last) of a block that begins at `begin`.
  double Rows(const Inputs& inputs, int64_t begin, int64_t first, int64_t last, const uint8_t* class_bits) const {
    const int64_t offset = first - begin;
    float weights[kBlockElements];
    FocalSpan span{};
    tables_.Fill(span);
    span.logits = inputs.logits + offset;
    span.targets = inputs.targets ? inputs.targets + offset : nullptr;
    span.count = last - first;
    span.table_index = first % blocks_.classes % span.table_period;
    span.class_bits = class_bits;
    span.first_bit = offset;
    span.background_target = static_cast<float>(SmoothTarget(0, op_.label_smoothing));
    span.class_target = static_cast<float>(SmoothTarget(1, op_.label_smoothing));
    if (op_.anchor_weights) {
      for (int64_t i = first; i < last; ++i) weights[i - first] = op_.anchor_weights[i / blocks_.classes];
      span.weights = weights;
    }
    if (op_.grad_output) {
      span.upstream = inputs.upstream ? inputs.upstream + offset : upstream_;
      span.upstream_step = inputs.upstream ? 1 : 0;
    }
    span.losses = op_.losses ? op_.losses + first : nullptr;
    span.grad = op_.grad ? op_.grad + first : nullptr;
    span.stream = stream_;
    return kernel_(span);
  }

  double RowsInFloat64(const Inputs& inputs, int64_t begin, int64_t first, int64_t last) const {
    double sum = 0;
    for (int64_t i = first; i < last; ++i) {
      const int64_t row = i / blocks_.classes, k = i % blocks_.classes;
      const double hard =
          inputs.targets ? static_cast<double>(inputs.targets[i - begin]) : (op_.labels[row] == k ? 1.0 : 0.0);
      const double t = SmoothTarget(hard, op_.label_smoothing);
      const double alpha_t = op_.alpha.values ? AlphaWeight(PerClass(op_.alpha, k), t) : 1.0;
      const FocalLossAndGrad term =
          FocalLossOf(static_cast<double>(inputs.logits[i - begin]), t, PerClass(op_.gamma, k), alpha_t);
      const double weight = scale_ * (op_.anchor_weights ? static_cast<double>(op_.anchor_weights[row]) : 1.0);
      const double upstream = !op_.grad_output  ? 1.0
                              : inputs.upstream ? static_cast<double>(inputs.upstream[i - begin])
                                                : static_cast<double>(upstream_[0]);
      sum += weight * term.loss;
      if (op_.losses) op_.losses[i] = static_cast<float>(weight * term.loss);
      if (op_.grad) op_.grad[i] = static_cast<float>(upstream * weight * term.grad);
    }
    return sum;
  }

  const rn_focal_loss& op_;
  double scale_, smallest_sum_;
  Tables tables_;
  Blocks blocks_;
  FocalKernel kernel_;
  float upstream_[FocalSpan::kTablePadding];
  bool in_place_ = false, stream_;
};

bool Positive(const rn_focal_loss& op, int64_t row) {
  if (op.labels) return op.labels[row] >= 0;
  const float* targets = op.targets + row * op.classes;
  return std::any_of(targets, targets + op.classes, [](float t) { return t > 0; });
}

// Rows that count and have a class.
int64_t CountPositives(const rn_focal_loss& op) {
  const int64_t rows_per_block = std::max<int64_t>(1, (op.labels ? 1 << 16 : 1 << 18) / std::max<int64_t>(1, op.labels ? 1 : op.classes));
  std::vector<int64_t> counts(static_cast<size_t>(NumBlocks(op.rows, rows_per_block)));
  ParallelFor(static_cast<int64_t>(counts.size()), [&](int64_t block) {
    const int64_t end = std::min(op.rows, (block + 1) * rows_per_block);
    int64_t count = 0;
    for (int64_t row = block * rows_per_block; row < end; ++row) {
      count += !(op.anchor_weights && op.anchor_weights[row] == 0) && Positive(op, row);
    }
    counts[static_cast<size_t>(block)] = count;
  });
  int64_t total = 0;
  for (const int64_t count : counts) total += count;
  return total;
}

}  // namespace

rn_status FocalLoss(const rn_focal_loss* args) {
  return Guarded([&] {
    const rn_focal_loss& op = *args;
    const int64_t positives = CountPositives(op);
    *op.num_positive = positives;
    const double normalizer =
        op.normalizer * (op.normalize_by_positives ? static_cast<double>(std::max<int64_t>(1, positives)) : 1.0);
    const double sum = FocalLossRun(op, 1 / normalizer).Run();
    if (op.loss_sum) *op.loss_sum = sum;
  });
}

}  // namespace rn::cpu
