// The whole training loss of a RetinaNet as one chain on one stream: assignment, focal loss over all anchors, smooth L1
// over the positive ones, and both gradients. The host learns nothing on the way, not even the number of boxes: with
// device arrays the chain is recorded once as a graph and then replayed. Scratch memory: 16 bytes an anchor.
#include <map>
#include <memory>

#include "../backend/parts.h"
#include "assign.h"
#include "box_loss.h"
#include "cuda_backend.h"
#include "focal_loss.h"
#include "graphs.h"
#include "loss_inputs.h"
#include "reduce.h"

namespace rn::cuda {
namespace {

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
    bids = arena.Take<Bid>(all);
    positive_counts = arena.Take<unsigned long long>(op.truth.images);
    arrived = arena.Take<unsigned>(2);
    zero_bytes = arena.used - first_zero;
    box_best = arena.Take<float>(inputs.room);
    labels = arena.Take<int32_t>(all);
    matches = arena.Take<int32_t>(all);
    box_sums = arena.Take<double>(BoxLossSums(all));
    class_sums = arena.Take<double>(DivideUp(all, RowsOfChunk(op)));
    focal = arena.Take<char>(FocalLossWorkspaceBytes(FocalLossOf(op, labels)));
    bytes = arena.used;
  }
  LossInputs inputs;
  Group* groups;
  Bid* bids;  // the first of what is cleared before every run
  unsigned long long* positive_counts;
  unsigned* arrived;
  int64_t zero_bytes;
  float* box_best;
  int32_t *labels, *matches;
  double *box_sums, *class_sums;
  char* focal;
  int64_t bytes;
};

// The parts of the loss, which nobody has summed yet.
Partials QueueClassLoss(Device& device, const rn_retinanet_loss& op, const Layout& at) {
  if (op.place.memory == RN_DEVICE) {
    rn_focal_loss whole = FocalLossOf(op, at.labels);
    whole.loss_sum = nullptr;
    return QueueFocalLoss(device, whole, op.num_positive, at.focal);
  }
  const int64_t rows = op.truth.images * op.anchors.count, chunk = RowsOfChunk(op);
  StreamThrough(device,
                {Read(static_cast<const float*>(op.class_logits), op.classes),
                 Written(static_cast<float*>(op.class_grad), op.classes)},
                rows, chunk, [&](int64_t first, int64_t count, void* const* arrays) {
                  rn_focal_loss part = FocalLossOf(op, at.labels + first);
                  part.rows = count;
                  part.logits = arrays[0];
                  part.grad = arrays[1];
                  part.loss_sum = at.class_sums + first / chunk;
                  QueueFocalLoss(device, part, op.num_positive, at.focal);
                });
  return {at.class_sums, DivideUp(rows, chunk), nullptr};
}

void QueueChain(Device& device, const rn_retinanet_loss& op, const Layout& at) {
  const int64_t images = op.truth.images, all = images * op.anchors.count;
  const LossInputs& inputs = at.inputs;
  Assignment assignment{AnchorsOf(op.anchors, op.anchors.boxes, inputs.lattices),
                        {static_cast<int32_t>(images), inputs.boxes, inputs.labels, inputs.offsets, inputs.ignore_boxes,
                         inputs.ignore_offsets},
                        op.match,
                        static_cast<int32_t>(op.classes),
                        at.groups,
                        at.bids,
                        at.box_best,
                        at.labels,
                        at.matches,
                        at.positive_counts,
                        nullptr,
                        op.num_positive,
                        at.arrived};
  RN_CUDA(cudaMemsetAsync(at.bids, 0, static_cast<size_t>(at.zero_bytes), device.stream));
  if (all == 0) RN_CUDA(cudaMemsetAsync(op.num_positive, 0, sizeof *op.num_positive, device.stream));
  QueueAssignment(device, assignment);
  Partials class_loss = QueueClassLoss(device, op, at);
  class_loss.out = op.class_loss;
  QueueBoxLoss(
      device,
      {assignment.anchors, inputs.boxes, at.matches, all, op.beta, op.box_weight, op.normalizer,
       op.normalize_by_positives != 0, op.num_positive, at.box_sums, at.arrived + 1, class_loss, op.box_loss, op.loss},
      op.dtype, op.box_deltas, op.box_grad);
}

GraphKey KeyOf(const rn_retinanet_loss& op, const LossInputs& inputs) {
  GraphKey key(op.dtype, op.class_logits, op.box_deltas, op.class_grad, op.box_grad, op.loss, op.class_loss,
               op.box_loss, op.num_positive, op.anchors.count, op.anchors.boxes, op.anchors.num_levels,
               op.anchors.anchors_per_cell, op.truth.images, op.truth.ignore_offsets != nullptr, inputs.room,
               inputs.ignore_room, op.match.positive_threshold, op.match.negative_threshold, op.match.ignore_iof,
               op.match.allow_low_quality_matches, op.classes, op.label_smoothing, op.beta, op.box_weight,
               op.normalizer, op.normalize_by_positives);
  for (const rn_per_class& parameter : {op.alpha, op.gamma}) {
    key.Add(parameter.values ? parameter.count : -1);
    for (int64_t k = 0; parameter.values && k < parameter.count; ++k) key.Add(parameter.values[k]);
  }
  return key;
}

int64_t BytesOf(rn_dtype dtype) { return dtype == RN_FLOAT32 ? 4 : 2; }

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
    for (double** scalar : {&op.loss, &op.class_loss, &op.box_loss, &op.num_positive}) *scalar = arrays.Out(*scalar, 1);

    const std::vector<Lattice> lattices = LatticesOf(op.anchors);
    const int64_t lattice_count = static_cast<int64_t>(lattices.size());
    Chain& chain = Chain::Of(device);
    chain.Reserve(device, Layout(Arena(), op, lattice_count).bytes);
    const Layout layout(Arena(chain.memory->get()), op, lattice_count);
    layout.inputs.Queue(device, op, lattices);
    PrepareFocalLoss(device, FocalLossOf(op, layout.labels), layout.focal);
    const auto queue = [&] { QueueChain(device, op, layout); };
    if (op.place.memory == RN_DEVICE) {
      chain.graphs.Run(device, KeyOf(op, layout.inputs), queue);
    } else {
      queue();
    }
    arrays.Finish();
  });
}

}  // namespace rn::cuda
