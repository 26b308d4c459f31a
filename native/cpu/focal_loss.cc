// Sigmoid focal loss: value, gradient, or both in one pass. The kernels work on runs of rows that count; what the rows
// share (parameters by class, the bits of the labels) is laid out for them here.
#include <algorithm>
#include <vector>

#include "../backend/focal_parameters.h"
#include "../math/normalizer.h"
#include "../threads/thread_pool.h"
#include "cpu_backend.h"
#include "focal_count.h"
#include "kernels/kernels.h"
#include "status.h"

namespace rn::cpu {
namespace {

// Losses are summed a block at a time, in an order that the number of threads has no part in.
constexpr int64_t kBlockElements = 8192;
constexpr int64_t kBlocksPerJob = 4;
// Gradients larger than this leave the caches before anybody reads them: writing past the cache saves reading them in.
constexpr int64_t kStreamBytes = 8 << 20;

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

// alpha and gamma by element: one number for all, or a period of whole rows, so that a chunk may begin at any class.
class Tables {
 public:
  explicit Tables(const rn_focal_loss& op) : gamma_kind_(GammaKindOf(op)) {
    const bool per_class = (op.alpha.values && op.alpha.count > 1) || (gamma_kind_ == kGammaReal && op.gamma.count > 1);
    const int64_t repeated = per_class ? op.classes : 1;
    period_ = repeated * NumBlocks(FocalSpan::kChunk, repeated);
    step_ = per_class ? 1 : 0;
    length_ = per_class ? period_ + FocalSpan::kChunk : FocalSpan::kMostLanes;
    values_.resize(static_cast<size_t>(kTables * length_));
    for (int64_t k = 0; k < repeated; ++k) {
      const FocalClass of_class = FocalClassOf(op, k);
      by_class_.push_back(of_class);
      const RoundedFocalClass rounded = Rounded(of_class);
      const float row[kTables] = {rounded.background_weight, rounded.class_weight, rounded.gamma, rounded.gamma_rest};
      for (int table = 0; table < kTables; ++table) values_[static_cast<size_t>(table * length_ + k)] = row[table];
    }
    for (int table = 0; table < kTables; ++table) {
      float* const values = values_.data() + table * length_;
      for (int64_t filled = repeated; filled < length_; filled *= 2) {
        std::copy_n(values, std::min(filled, length_ - filled), values + filled);
      }
    }
  }

  FocalGamma gamma_kind() const { return gamma_kind_; }

  void Fill(FocalSpan& span) const {
    span.table_step = step_;
    span.table_period = period_;
    span.background_weight = values_.data();
    span.class_weight = values_.data() + length_;
    span.gamma = values_.data() + 2 * length_;
    span.gamma_rest = values_.data() + 3 * length_;
    span.by_class = by_class_.data();
    span.number_of_classes = static_cast<int64_t>(by_class_.size());
  }

 private:
  static constexpr int kTables = 4;

  FocalGamma gamma_kind_;
  int64_t period_, step_, length_;
  std::vector<float> values_;
  std::vector<FocalClass> by_class_;
};

class FocalLossRun {
 public:
  FocalLossRun(const rn_focal_loss& op, double scale)
      : op_(op),
        logits_(static_cast<const float*>(op.logits)),
        grad_(static_cast<float*>(op.grad)),
        scale_(scale),
        tables_(op),
        limits_(FocalLimitsOf(op)),
        blocks_(op.rows, op.classes),
        kernel_(ActiveKernels()->focal_loss[Targets(op)][tables_.gamma_kind()]) {
    if (op.grad_output_count == 1 && op.grad_output) upstream_ = static_cast<double>(op.grad_output[0]);
    stream_ = op.grad && op.grad != op.logits && blocks_.elements * static_cast<int64_t>(sizeof(float)) >= kStreamBytes;
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
    return scale_ * total;
  }

 private:
  static FocalTargets Targets(const rn_focal_loss& op) {
    return op.targets ? kDense : op.label_smoothing == 0 ? kHard : kSoft;
  }

  bool Ignored(int64_t row) const {
    return (op_.labels && op_.labels[row] == RN_LABEL_IGNORED) || (op_.anchor_weights && op_.anchor_weights[row] == 0);
  }

  // The first row from `row` on that is not ignored as `ignored` says, or `end`.
  int64_t EndOfRun(int64_t row, int64_t end, bool ignored) const {
    const int32_t* const labels = op_.labels;
    if (op_.anchor_weights || !labels) {
      while (row < end && Ignored(row) == ignored) ++row;
    } else {
      while (row < end && (labels[row] == RN_LABEL_IGNORED) == ignored) ++row;
    }
    return row;
  }

  double Block(int64_t block) const {
    const int64_t begin = blocks_.Begin(block), end = blocks_.Begin(block + 1);
    double sum = 0;
    const int64_t last_row = (end - 1) / blocks_.classes;
    for (int64_t row = begin / blocks_.classes; row <= last_row;) {
      const bool ignored = Ignored(row);
      const int64_t next = EndOfRun(row, last_row + 1, ignored);
      const int64_t first = std::max(begin, row * blocks_.classes), last = std::min(end, next * blocks_.classes);
      if (ignored) {
        if (op_.losses) std::fill(op_.losses + first, op_.losses + last, 0.0f);
        if (grad_) std::fill(grad_ + first, grad_ + last, 0.0f);
      } else {
        sum += Rows(row, next, first, last);
      }
      row = next;
    }
    return sum;
  }

  // The elements [first, last) of the counted rows [row, end_row).
  double Rows(int64_t row, int64_t end_row, int64_t first, int64_t last) const {
    int32_t classes[kBlockElements + 1];
    float weights[kBlockElements];
    FocalSpan span{};
    tables_.Fill(span);
    span.logits = logits_ + first;
    span.targets = op_.targets ? op_.targets + first : nullptr;
    span.classes = classes;
    span.count = last - first;
    span.table_index = span.table_step * (first % blocks_.classes % span.table_period);
    span.range = SmoothedRange(op_.label_smoothing);
    span.loss_scale = scale_;
    span.grad_scale = scale_ * upstream_;
    span.limits = &limits_;
    float least_weight = 1, largest_weight = 1;
    int32_t* next_class = classes;
    for (; row < end_row; ++row) {
      const int64_t begin = row * blocks_.classes - first;  // of the row; before or past the ends for a piece of a row
      if (op_.labels && op_.labels[row] >= 0) {
        const int64_t at = begin + op_.labels[row];
        if (at >= 0 && at < span.count) *next_class++ = static_cast<int32_t>(at);
      }
      if (op_.anchor_weights) {
        least_weight = std::min(least_weight, op_.anchor_weights[row]);
        largest_weight = std::max(largest_weight, op_.anchor_weights[row]);
        std::fill(weights + std::max<int64_t>(0, begin), weights + std::min(span.count, begin + blocks_.classes),
                  op_.anchor_weights[row]);
      }
    }
    *next_class = INT32_MAX;
    if (op_.anchor_weights) span.weights = weights;
    const float loss_scale = static_cast<float>(span.loss_scale), grad_scale = static_cast<float>(span.grad_scale);
    span.largest_logit = std::min(LargestLogit(limits_, loss_scale, grad_scale, least_weight),
                                  LargestLogit(limits_, loss_scale, grad_scale, largest_weight));
    span.upstream = op_.grad_output_count > 1 ? op_.grad_output + first : nullptr;
    span.losses = op_.losses ? op_.losses + first : nullptr;
    span.grad = grad_ ? grad_ + first : nullptr;
    span.stream = stream_ && reinterpret_cast<uintptr_t>(span.grad) % 16 == 0;
    return kernel_(span);
  }

  const rn_focal_loss& op_;
  const float* logits_;
  float* grad_;
  double scale_, upstream_ = 1;
  Tables tables_;
  FocalLimits limits_;
  Blocks blocks_;
  FocalKernel kernel_;
  bool stream_;
};

}  // namespace

rn_status FocalLoss(const rn_focal_loss* args) {
  return Guarded([&] {
    const rn_focal_loss& op = *args;
    const int64_t positives = CountPositives(op);
    *op.num_positive = static_cast<double>(positives);
    const double normalizer =
        op.normalizer * (op.normalize_by_positives ? DivisorOf(static_cast<double>(positives)) : 1.0);
    const double sum = FocalLossRun(op, 1 / normalizer).Run();
    if (op.loss_sum) *op.loss_sum = sum;
  });
}

}  // namespace rn::cpu
