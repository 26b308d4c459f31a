// The whole training loss of a RetinaNet: assignment, focal loss over all anchors, a regression over the positive
// ones, and both gradients. Scratch memory: 12 bytes per anchor.
#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include "../backend/parts.h"
#include "../backend/regression.h"
#include "../math/box_loss.h"
#include "../math/normalizer.h"
#include "../threads/thread_pool.h"
#include "anchor_block.h"
#include "cpu_backend.h"
#include "status.h"

namespace rn::cpu {
namespace {

void ThrowIfFailed(const rn_status& status) {
  if (status.code != RN_OK) throw std::bad_alloc();  // the only way a CPU operation fails
}

// Box loss and gradient of one block of anchors of one image; returns the loss. Reads an anchor's deltas before it
// writes their gradient, which may lie in the same place.
template <class Formula>
double BoxLoss(const rn_retinanet_loss& op, const Formula& formula, int64_t job, const int32_t* matches,
               const std::vector<double>& normalizers) {
  const int64_t count = op.anchors.count, blocks = NumBlocks(count, AnchorBlock::kSize);
  const int64_t image = job / blocks, first = job % blocks * AnchorBlock::kSize;
  const int64_t last = std::min(count, first + AnchorBlock::kSize);
  const double scale = op.box_weight / normalizers[static_cast<size_t>(image)], grad_scale = scale * op.loss_scale;
  const float* deltas = static_cast<const float*>(op.box_deltas) + image * count * 4;
  float* grad = static_cast<float*>(op.box_grad) + image * count * 4;
  double sum = 0;
  for (int64_t a = first; a < last; ++a) {
    const int32_t match = matches[image * count + a];
    if (match < 0) {
      std::fill_n(grad + 4 * a, 4, 0.0f);
      continue;
    }
    // Hardly any anchor is positive: only those are made.
    const Box anchor = AnchorOf(op.anchors, a), box = LoadBox(op.truth.boxes + 4 * static_cast<int64_t>(match));
    const float here[4] = {deltas[4 * a], deltas[4 * a + 1], deltas[4 * a + 2], deltas[4 * a + 3]};
    const BoxLossTerm<Formula> term = BoxLossOf(formula, anchor, box, op.coder_weights, here);
    for (const double loss : term.losses) sum += scale * loss;
    for (int c = 0; c < 4; ++c) grad[4 * a + c] = static_cast<float>(grad_scale * term.grad[c]);
  }
  return sum;
}

// What divides all losses, besides the normalizer.
double Divisor(const rn_retinanet_loss& op, int64_t positives) {
  double divisor = op.normalize_by_positives ? static_cast<double>(positives) : 1.0;
  if (op.divisor) {
    divisor = op.divisor_is_float64 ? *static_cast<const double*>(op.divisor)
                                    : static_cast<double>(*static_cast<const float*>(op.divisor));
  }
  return DivisorOf(divisor);
}

// What divides the losses of each image.
std::vector<double> Normalizers(const rn_retinanet_loss& op, const std::vector<int64_t>& positives) {
  const size_t images = positives.size();
  if (!op.normalize_by_image) {
    const int64_t all = std::accumulate(positives.begin(), positives.end(), int64_t{0});
    return std::vector<double>(images, op.normalizer * Divisor(op, all));
  }
  std::vector<double> normalizers;
  normalizers.reserve(images);
  for (const int64_t own : positives) {
    normalizers.push_back(op.normalizer * static_cast<double>(images) * DivisorOf(static_cast<double>(own)));
  }
  return normalizers;
}

// Of `rows` rows from `first` on, divided by the normalizer; `loss` and `positives` are added to.
void AddFocalLoss(const rn_retinanet_loss& op, const int32_t* labels, int64_t first, int64_t rows, double normalizer) {
  const auto loss_scale = static_cast<float>(op.loss_scale);
  double loss = 0, positives = 0;
  rn_focal_loss focal = FocalLossOf(op, labels + first);
  focal.logits = static_cast<const float*>(op.class_logits) + first * op.classes;
  focal.grad = static_cast<float*>(op.class_grad) + first * op.classes;
  focal.rows = rows;
  focal.normalizer = normalizer;
  focal.normalize_by_positives = 0;
  focal.grad_output = &loss_scale;
  focal.grad_output_count = 1;
  focal.loss_sum = &loss;
  focal.num_positive = &positives;
  ThrowIfFailed(FocalLoss(&focal));
  *op.class_loss += loss;
  *op.num_positive += positives;
}

// Images that are divided by the same number are one list of rows.
void SumFocalLosses(const rn_retinanet_loss& op, const int32_t* labels, const std::vector<double>& normalizers) {
  *op.class_loss = *op.num_positive = 0;
  const int64_t images = op.truth.images, anchors = op.anchors.count;
  const int64_t at_once = op.normalize_by_image ? 1 : images;
  for (int64_t image = 0; image < images; image += at_once) {
    AddFocalLoss(op, labels, image * anchors, at_once * anchors, normalizers[static_cast<size_t>(image)]);
  }
}

}  // namespace

rn_status RetinanetLoss(const rn_retinanet_loss* args) {
  return Guarded([&] {
    const rn_retinanet_loss& op = *args;
    const int64_t images = op.truth.images;
    const int64_t rows = images * op.anchors.count;
    // Not cleared: Assign writes all of it.
    const std::unique_ptr<int32_t[]> labels(new int32_t[static_cast<size_t>(rows)]);
    const std::unique_ptr<int32_t[]> matches(new int32_t[static_cast<size_t>(rows)]);
    std::vector<int64_t> counts(static_cast<size_t>(images));
    std::vector<uint8_t> matched(static_cast<size_t>(op.truth.offsets[images]));
    const rn_assign assign{op.place,      op.anchors,    op.truth,       op.match, labels.get(),
                           matches.get(), counts.data(), matched.data(), nullptr};
    ThrowIfFailed(Assign(&assign));
    const std::vector<double> normalizers = Normalizers(op, counts);
    SumFocalLosses(op, labels.get(), normalizers);

    const int64_t blocks = NumBlocks(op.anchors.count, AnchorBlock::kSize);
    std::vector<double> sums(static_cast<size_t>(images * blocks));
    WithRegression(op.regression, op.beta, [&](const auto& formula) {
      ParallelFor(images * blocks, [&](int64_t job) {
        sums[static_cast<size_t>(job)] = BoxLoss(op, formula, job, matches.get(), normalizers);
      });
    });
    *op.box_loss = 0;
    for (const double sum : sums) *op.box_loss += sum;
    *op.loss = *op.class_loss + *op.box_loss;
  });
}

}  // namespace rn::cpu
