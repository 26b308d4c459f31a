// Sigmoid focal loss: value, gradient, or both in one pass. At most four kernels: positive rows are counted and summed
// if the losses are to be divided by their number, a pass over the logits, the sum of its tiles.
#include <algorithm>
#include <vector>

#include "../backend/focal_parameters.h"
#include "arrays.h"
#include "cuda_backend.h"
#include "focal_count.h"
#include "focal_general.h"
#include "focal_loss.h"
#include "focal_plain.h"
#include "loss_inputs.h"

namespace rn::cuda {
namespace {

bool IsByClass(const rn_focal_loss& op) { return !AllEqual(op.alpha) || !AllEqual(op.gamma); }

int64_t CountBlocks(const rn_focal_loss& op) {
  return DivideUp(op.rows, RowsPerCountBlock(CountLanes(op.labels != nullptr, op.classes)));
}

int64_t ElementBytes(rn_dtype dtype) { return dtype == RN_FLOAT32 ? 4 : 2; }

int64_t TileOf(const rn_focal_loss& op) { return FocalTileOf(ElementBytes(op.dtype)); }

// Parts of the workspace.
struct Workspace {
  double *sums, *counts;
  FocalClass* exact_by_class;
  RoundedFocalClass* by_class;
  int64_t bytes;

  Workspace(const rn_focal_loss& op, void* memory) {
    const int64_t tiles = DivideUp(op.rows * op.classes, TileOf(op)) + 1;  // one more where the first is not aligned
    const int64_t counts_length = std::max(tiles, DivideUp(op.rows, RowsPerCountBlock(kWarp)));
    const int64_t classes = IsByClass(op) ? op.classes : 0;
    Arena arena(static_cast<char*>(memory));
    exact_by_class = arena.Take<FocalClass>(classes);
    by_class = arena.Take<RoundedFocalClass>(classes);
    sums = arena.Take<double>(tiles);
    counts = arena.Take<double>(counts_length);
    bytes = arena.used;
  }
};

using FocalKernel = void (*)(FocalArguments);

template <class T>
FocalKernel KernelFor(FocalGamma gamma, bool plain) {
  static constexpr FocalKernel kPlain[] = {PlainFocalLoss<T, kGamma0>, PlainFocalLoss<T, kGamma1>,
                                           PlainFocalLoss<T, kGamma2>, PlainFocalLoss<T, kGammaReal>};
  static constexpr FocalKernel kGeneral[] = {GeneralFocalLoss<T, kGamma0>, GeneralFocalLoss<T, kGamma1>,
                                             GeneralFocalLoss<T, kGamma2>, GeneralFocalLoss<T, kGammaReal>};
  return (plain ? kPlain : kGeneral)[gamma];
}

FocalKernel KernelFor(const rn_focal_loss& op) {
  const FocalGamma gamma = GammaKindOf(op);
  const bool plain = op.labels && !op.anchor_weights && op.label_smoothing == 0 && !IsByClass(op);
  if (op.dtype == RN_FLOAT16) return KernelFor<__half>(gamma, plain);
  if (op.dtype == RN_BFLOAT16) return KernelFor<__nv_bfloat16>(gamma, plain);
  return KernelFor<float>(gamma, plain);
}

// Whether runs of elements that are aligned in `logits` are so in `array` too.
template <class T>
bool Aligned(const T* array, int64_t element_bytes, int past_alignment) {
  return (reinterpret_cast<uintptr_t>(array) - static_cast<uintptr_t>(past_alignment * element_bytes)) % 16 == 0;
}

// The steps, on device arrays.
class FocalChain {
 public:
  FocalChain(Device& device, const rn_focal_loss& op, const double* num_positive, void* workspace)
      : device_(device), op_(op), num_positive_(num_positive), workspace_(op, workspace) {
    arguments_.labels = op.labels;
    arguments_.weights = op.anchor_weights;
    arguments_.classes = op.classes;
    arguments_.by_class = IsByClass(op) ? workspace_.by_class : nullptr;
    arguments_.exact_by_class = workspace_.exact_by_class;
    arguments_.exact_all = FocalClassOf(op, 0);
    arguments_.all = Rounded(arguments_.exact_all);
    arguments_.limits = FocalLimitsOf(op);
    arguments_.range = SmoothedRange(op.label_smoothing);
    arguments_.normalizer = op.normalizer;
    if (op.normalize_by_positives) arguments_.num_positive = num_positive ? num_positive : op.num_positive;
    if (op.grad_output_count == 1) arguments_.grad_output = op.grad_output;
  }

  // Labels are counted on the way unless their number must be known before.
  bool CountsBefore() const { return !num_positive_ && (op_.normalize_by_positives || !op_.labels); }

  // Counts rows from `first_row`, a multiple of rows_per_count_block(), on; `targets` are theirs.
  int64_t rows_per_count_block() const { return RowsPerCountBlock(CountLanes(op_.labels != nullptr, op_.classes)); }
  void Count(int64_t first_row, int64_t rows, const float* targets) const {
    const CountArguments count{op_.labels ? op_.labels + first_row : nullptr,
                               targets,
                               op_.anchor_weights ? op_.anchor_weights + first_row : nullptr,
                               rows,
                               op_.classes,
                               CountLanes(op_.labels != nullptr, op_.classes),
                               workspace_.counts + first_row / rows_per_count_block()};
    Launch(device_, DivideUp(rows, rows_per_count_block()), kFocalThreads, CountPositives<>, count);
  }
  void FinishCount() const { Finish(device_, {workspace_.counts, CountBlocks(op_), op_.num_positive}); }

  // Elements from `first`, a multiple of a tile, on.
  struct Elements {
    const void* logits;
    const float *targets, *upstream;
    void* grad;
    float* losses;
  };
  void Losses(int64_t first, int64_t count, const Elements& elements) {
    const int64_t bytes = ElementBytes(op_.dtype), tile = FocalTileOf(bytes);
    const int past =
        static_cast<int>(reinterpret_cast<uintptr_t>(elements.logits) % 16 / static_cast<uintptr_t>(bytes));
    FocalArguments p = arguments_;
    p.first = first;
    p.count = count;
    p.past_alignment = past;
    p.logits = elements.logits;
    p.targets = elements.targets;
    p.targets_aligned = Aligned(elements.targets, 4, past);
    p.upstream = elements.upstream;
    p.upstream_aligned = Aligned(elements.upstream, 4, past);
    p.grad = elements.grad;
    p.grad_aligned = Aligned(elements.grad, bytes, past);
    p.losses = elements.losses;
    p.losses_aligned = Aligned(elements.losses, 4, past);
    p.sums = workspace_.sums + first / tile;
    p.counts = num_positive_ || CountsBefore() ? nullptr : workspace_.counts + first / tile;
    const int64_t tiles = count > 0 ? DivideUp(count + past, tile) : 0;
    Launch(device_, tiles, kFocalThreads, KernelFor(op_), p);
    tiles_ = first / tile + tiles;
  }
  Partials FinishLosses() const {
    double* const counted = num_positive_ || CountsBefore() ? nullptr : op_.num_positive;
    const Partials losses{workspace_.sums, tiles_, op_.loss_sum};
    Finish(device_, losses, {workspace_.counts, tiles_, counted});
    return losses;
  }

 private:
  Device& device_;
  const rn_focal_loss& op_;
  const double* num_positive_;
  Workspace workspace_;
  FocalArguments arguments_{};
  int64_t tiles_ = 0;
};

static_assert(kPieceBytes / 4 % kFocalTile<float> == 0,
              "chunks of host arrays are whole tiles: sums have the same bits");

// The arrays by row lie on the device whole; those by element pass through.
void FocalLossOfHostArrays(Device& device, const rn_focal_loss& op, void* workspace) {
  Arrays arrays(device, RN_HOST);
  const int64_t elements = op.rows * op.classes;
  rn_focal_loss there = op;
  there.labels = arrays.In(op.labels, op.rows);
  there.anchor_weights = arrays.In(op.anchor_weights, op.rows);
  there.loss_sum = arrays.Out(op.loss_sum, 1);
  there.num_positive = arrays.Out(op.num_positive, 1);
  const bool upstream = op.grad_output && op.grad_output_count != 1;
  if (!upstream) there.grad_output = arrays.In(op.grad_output, 1);
  FocalChain chain(device, there, nullptr, workspace);
  if (chain.CountsBefore()) {
    if (op.labels) {
      chain.Count(0, op.rows, nullptr);
    } else {
      const int64_t blocks = kPieceBytes / 4 / std::max<int64_t>(1, op.classes) / chain.rows_per_count_block();
      StreamThrough(device, {Read(op.targets, op.classes)}, op.rows,
                    std::max<int64_t>(1, blocks) * chain.rows_per_count_block(),
                    [&](int64_t first, int64_t rows, void* const* at) {
                      chain.Count(first, rows, static_cast<const float*>(at[0]));
                    });
    }
    chain.FinishCount();
  }
  const float* const logits = static_cast<const float*>(op.logits);
  float* const grad = static_cast<float*>(op.grad);
  StreamThrough(
      device,
      {Read(logits), Read(op.targets), Read(upstream ? op.grad_output : nullptr), Written(grad), Written(op.losses)},
      elements, kPieceBytes / 4, [&](int64_t first, int64_t count, void* const* at) {
        chain.Losses(first, count,
                     {at[0], static_cast<const float*>(at[1]), static_cast<const float*>(at[2]), at[3],
                      static_cast<float*>(at[4])});
      });
  chain.FinishLosses();
  arrays.Finish();
}

}  // namespace

int64_t FocalLossWorkspaceBytes(const rn_focal_loss& op) { return Workspace(op, nullptr).bytes; }

void PrepareFocalLoss(Device& device, const rn_focal_loss& op, void* workspace) {
  if (!IsByClass(op)) return;
  std::vector<FocalClass> exact;
  std::vector<RoundedFocalClass> by_class;
  for (int64_t k = 0; k < op.classes; ++k) {
    exact.push_back(FocalClassOf(op, k));
    by_class.push_back(Rounded(exact.back()));
  }
  const Workspace there(op, workspace);
  Upload(device, there.exact_by_class, exact.data(), op.classes * static_cast<int64_t>(sizeof(FocalClass)));
  Upload(device, there.by_class, by_class.data(), op.classes * static_cast<int64_t>(sizeof(RoundedFocalClass)));
}

Partials QueueFocalLoss(Device& device, const rn_focal_loss& op, const double* num_positive, void* workspace) {
  FocalChain chain(device, op, num_positive, workspace);
  if (chain.CountsBefore()) {
    chain.Count(0, op.rows, op.targets);
    chain.FinishCount();
  }
  chain.Losses(0, op.rows * op.classes,
               {op.logits, op.targets, op.grad_output_count == 1 ? nullptr : op.grad_output, op.grad, op.losses});
  return chain.FinishLosses();
}

rn_status FocalLoss(const rn_focal_loss* args) {
  return Guarded([&] {
    const rn_focal_loss& op = *args;
    const Turn turn(op.place);
    const Scratch<char> workspace(turn.device, FocalLossWorkspaceBytes(op));
    PrepareFocalLoss(turn.device, op, workspace.get());
    if (op.place.memory == RN_DEVICE) {
      QueueFocalLoss(turn.device, op, nullptr, workspace.get());
    } else {
      FocalLossOfHostArrays(turn.device, op, workspace.get());
    }
  });
}

}  // namespace rn::cuda
