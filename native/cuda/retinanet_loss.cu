// Longer than 250 lines: one chain, whose parts share the layout of its memory.
// The whole training loss of a RetinaNet as one chain on one stream: assignment, focal loss over all anchors, a
// regression over the positive ones, and both gradients. The host learns nothing on the way, not even the number of
// boxes: with device arrays the assignment, most of the launches, is recorded once as a graph and then replayed. What
// reads and writes the caller's arrays is launched as ever: they may be others in every call. Scratch memory: 16 bytes
// per anchor.
#include <map>
#include <memory>

#include "../backend/parts.h"
#include "../math/normalizer.h"
#include "assign.h"
#include "box_loss.h"
#include "cuda_backend.h"
#include "focal_loss.h"
#include "graphs.h"
#include "loss_inputs.h"
#include "reduce.h"

namespace rn::cuda {
namespace {

template <class T>
__global__ void ReadDivisor(const T* of, double* divisor) {
  *divisor = static_cast<double>(*of);
}

// The divisors of the images' own losses, of which the mean is taken.
__global__ void DivideByImage(const unsigned long long* positives, int64_t images, double* divisors) {
  for (int64_t image = threadIdx.x; image < images; image += blockDim.x) {
    divisors[image] = DivisorOf(static_cast<double>(positives[image])) * static_cast<double>(images);
  }
}

// What a device keeps for the chain: memory whose addresses the graphs hold.
struct Chain {
  std::unique_ptr<Scratch<char>> memory;
  int64_t bytes = 0;
  Graphs graphs;

  static Chain& Of(const Device& device) {
    static std::mutex mutex;
    static auto* chains = new std::map<int, Chain>;  // never destroyed, as devices are not
    const std::lock_guard<std::mutex> lock(mutex);
    return (*chains)[device.index];
  }
  void Reserve(Device& device, int64_t wanted) {
    if (wanted <= bytes) return;
    graphs.Clear();
    bytes = 0;
    memory.reset();
    memory = std::make_unique<Scratch<char>>(device, wanted);
    bytes = wanted;
  }
};

// Of logits that pass through from host memory.
int64_t RowsOfChunk(const rn_retinanet_loss& op) { return std::max<int64_t>(1, kPieceBytes / 4 / op.classes); }

// All device memory of a call but its arrays.
struct Layout {
  Layout(Arena arena, const rn_retinanet_loss& op, int64_t lattice_count) : inputs(arena, op, lattice_count) {
    const int64_t all = op.truth.images * op.anchors.count;
    groups = arena.Take<Group>(op.anchors.boxes ? CountGroups(op.anchors.count) : 0);
    const int64_t first_zero = arena.used;
    const int64_t all_bids = op.truth.images * BidsOfImage(op.anchors.count);
    bids = arena.Take<Bid>(all_bids);
    kept = arena.Take<unsigned>(all_bids / kWarp);
    in_region = op.truth.ignore_offsets ? arena.Take<unsigned>(all_bids / kWarp) : nullptr;
    positive_counts = arena.Take<unsigned long long>(op.truth.images);
    counters = arena.Take<unsigned>(3);
    positives = arena.Take<double>(1);
    zero_bytes = arena.used - first_zero;
    labels = arena.Take<int32_t>(all);
    matches = arena.Take<int32_t>(all);
    box_sums = arena.Take<double>(BoxLossSums(all));
    const int64_t own = op.normalize_by_image ? op.truth.images : 0;  // of images that each have their divisor
    class_sums = arena.Take<double>(DivideUp(all, RowsOfChunk(op)) + own);
    divisor = arena.Take<double>(std::max<int64_t>(1, own));
    focal = arena.Take<char>(FocalLossWorkspaceBytes(FocalLossOf(op, labels)));
    bytes = arena.used;
  }
  LossInputs inputs;
  Group* groups;
  Bid* bids;  // the first of what is cleared before every run
  unsigned *kept, *in_region;
  unsigned long long* positive_counts;
  unsigned* counters;  // of the assignment, of the box loss
  int64_t zero_bytes;
  int32_t *labels, *matches;
  double *positives, *box_sums, *class_sums, *divisor;
  char* focal;
  int64_t bytes;
};

rn_focal_loss ClassLoss(const rn_retinanet_loss& op, const Layout& at) {
  rn_focal_loss loss = FocalLossOf(op, at.labels);
  loss.grad_output = at.inputs.loss_scale;
  loss.grad_output_count = 1;
  return loss;
}

int64_t BytesOf(rn_dtype dtype) { return dtype == RN_FLOAT32 ? 4 : 2; }

// Queues the losses of the rows [first, first + count), whose logits and gradients begin at the addresses, in parts
// that are divided by the same number. Their sums are appended to class_sums.
// NOLINTNEXTLINE(readability-function-size): what a chunk of a call is
void QueueRows(Device& device, const rn_retinanet_loss& op, const Layout& at, const double* divisor, int64_t first,
               int64_t count, const void* logits, void* grad, int64_t& sums) {
  const int64_t bytes = op.classes * BytesOf(op.dtype), anchors = op.anchors.count;
  for (int64_t row = first; row < first + count;) {
    const int64_t image = op.normalize_by_image ? row / anchors : 0;
    const int64_t end = op.normalize_by_image ? std::min(first + count, (image + 1) * anchors) : first + count;
    rn_focal_loss part = ClassLoss(op, at);
    part.labels += row;
    part.rows = end - row;
    part.logits = static_cast<const char*>(logits) + (row - first) * bytes;
    part.grad = static_cast<char*>(grad) + (row - first) * bytes;
    part.loss_sum = at.class_sums + sums++;
    QueueFocalLoss(device, part, divisor + image, at.focal);
    row = end;
  }
}

// The parts of the loss, which nobody has summed yet.
Partials QueueClassLoss(Device& device, const rn_retinanet_loss& op, const Layout& at, const double* divisor) {
  const bool on_device = op.place.memory == RN_DEVICE;
  if (on_device && !op.normalize_by_image) {
    rn_focal_loss whole = ClassLoss(op, at);
    whole.loss_sum = nullptr;
    return QueueFocalLoss(device, whole, divisor, at.focal);
  }
  const int64_t rows = op.truth.images * op.anchors.count;
  int64_t sums = 0;
  if (on_device) QueueRows(device, op, at, divisor, 0, rows, op.class_logits, op.class_grad, sums);
  if (!on_device) {
    StreamThrough(device,
                  {Read(static_cast<const float*>(op.class_logits), op.classes),
                   Written(static_cast<float*>(op.class_grad), op.classes)},
                  rows, RowsOfChunk(op), [&](int64_t first, int64_t count, void* const* arrays) {
                    QueueRows(device, op, at, divisor, first, count, arrays[0], arrays[1], sums);
                  });
  }
  return {at.class_sums, sums, nullptr};
}

Assignment AssignmentOf(const rn_retinanet_loss& op, const Layout& at) {
  const LossInputs& inputs = at.inputs;
  return {AnchorsOf(op.anchors, op.anchors.boxes, inputs.lattices),
          {static_cast<int32_t>(op.truth.images), inputs.boxes, inputs.labels, inputs.offsets, inputs.ignore_boxes,
           inputs.ignore_offsets},
          op.match,
          static_cast<int32_t>(op.classes),
          at.groups,
          at.bids,
          at.kept,
          at.in_region,
          at.labels,
          at.matches,
          at.positive_counts,
          nullptr,
          at.positives,
          at.counters};
}

void QueueAssignment(const Device& device, const rn_retinanet_loss& op, const Layout& at) {
  RN_CUDA(cudaMemsetAsync(at.bids, 0, static_cast<size_t>(at.zero_bytes), device.stream));
  QueueAssignment(device, AssignmentOf(op, at));
}

// What the losses are divided by besides the normalizer, in device memory.
const double* QueueDivisor(Device& device, rn_retinanet_loss& op, const Layout& at) {
  if (op.normalize_by_image) {
    op.normalize_by_positives = 1;
    Launch(device, 1, 256, DivideByImage, at.positive_counts, op.truth.images, at.divisor);
    return at.divisor;
  }
  if (!op.divisor) return at.positives;
  op.normalize_by_positives = 1;
  if (op.divisor_is_float64) {
    Launch(device, 1, 1, ReadDivisor<double>, static_cast<const double*>(op.divisor), at.divisor);
  } else {
    Launch(device, 1, 1, ReadDivisor<float>, static_cast<const float*>(op.divisor), at.divisor);
  }
  return at.divisor;
}

void QueueLosses(Device& device, rn_retinanet_loss op, const Layout& at) {
  const int64_t all = op.truth.images * op.anchors.count;
  const double* const divisor = QueueDivisor(device, op, at);
  Partials class_loss = QueueClassLoss(device, op, at, divisor);
  class_loss.out = op.class_loss;
  const BoxLoss box_loss{AnchorsOf(op.anchors, op.anchors.boxes, at.inputs.lattices),
                         at.inputs.boxes,
                         at.matches,
                         op.coder_weights,
                         all,
                         op.box_weight,
                         op.normalizer,
                         op.loss_scale,
                         op.normalize_by_positives != 0,
                         divisor,
                         op.normalize_by_image != 0,
                         at.positives,
                         at.box_sums,
                         at.counters + 2,
                         class_loss,
                         op.box_loss,
                         op.loss,
                         op.num_positive};
  QueueBoxLoss(device, box_loss, op);
}

// Of the assignment: everything else that it reads and writes is where the layout says, and the layout follows from
// this.
GraphKey KeyOf(const rn_retinanet_loss& op, const Layout& at) {
  const LossInputs& inputs = at.inputs;
  return GraphKey(at.bids, op.anchors.count, op.anchors.boxes, op.anchors.num_levels, op.anchors.anchors_per_cell,
                  op.truth.images, op.truth.ignore_offsets != nullptr, inputs.room, inputs.ignore_room,
                  op.match.positive_threshold, op.match.negative_threshold, op.match.ignore_iof,
                  op.match.allow_low_quality_matches, op.classes);
}

}  // namespace

rn_status RetinanetLoss(const rn_retinanet_loss* args) {
  return Guarded([&] {
    rn_retinanet_loss op = *args;
    const Turn turn(op.place);
    Device& device = turn.device;
    Arrays arrays(device, op.place.memory);
    const int64_t bytes = op.truth.images * op.anchors.count * 4 * BytesOf(op.dtype);
    op.box_deltas = arrays.In(static_cast<const char*>(op.box_deltas), bytes);
    op.box_grad = arrays.Out(static_cast<char*>(op.box_grad), bytes);
    op.anchors.boxes = arrays.In(op.anchors.boxes, 4 * op.anchors.count);
    op.divisor = arrays.In(static_cast<const char*>(op.divisor), op.divisor_is_float64 ? 8 : 4);
    for (double** scalar : {&op.loss, &op.class_loss, &op.box_loss, &op.num_positive}) *scalar = arrays.Out(*scalar, 1);

    const std::vector<Lattice> lattices = LatticesOf(op.anchors);
    const int64_t lattice_count = static_cast<int64_t>(lattices.size());
    Chain& chain = Chain::Of(device);
    chain.Reserve(device, Layout(Arena(), op, lattice_count).bytes);
    const Layout layout(Arena(chain.memory->get()), op, lattice_count);
    layout.inputs.Queue(device, op, lattices);
    PrepareFocalLoss(device, FocalLossOf(op, layout.labels), layout.focal);
    const auto assign = [&] { QueueAssignment(device, op, layout); };
    if (op.place.memory == RN_DEVICE) {
      chain.graphs.Run(device, KeyOf(op, layout), assign);
    } else {
      assign();
    }
    QueueLosses(device, op, layout);
    arrays.Finish();
  });
}

}  // namespace rn::cuda
