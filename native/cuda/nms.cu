// torchvision.ops.nms, and batched_nms without its coordinate offsets: boxes by falling score, then suppression.
#include "../math/falling_key.h"
#include "arrays.h"
#include "cuda_backend.h"
#include "scan.h"
#include "sort.h"
#include "suppression.h"

namespace rn::cuda {
namespace {

constexpr int kThreads = 256;

// Rows with a NaN score or a box that is not finite come last; `usable` counts the others.
__global__ void KeyScores(const float* scores, const float* boxes, int32_t count, uint64_t* keys, int32_t* rows,
                          int32_t* usable) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const bool is_usable = i < count && scores[i] == scores[i] && IsFinite(LoadBox(boxes + 4 * i));
  if (i < count) {
    keys[i] = is_usable ? FallingKey(scores[i]) : ~uint32_t{0};
    rows[i] = static_cast<int32_t>(i);
  }
  const int found = __popc(__ballot_sync(kAllLanes, is_usable));
  if (Lane() == 0 && found > 0) atomicAdd(usable, found);
}

__global__ void Gather(const int32_t* order, int32_t count, const float* boxes, const int32_t* classes,
                       Box* sorted_boxes, int32_t* sorted_classes) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= count) return;
  sorted_boxes[i] = LoadBox(boxes + 4 * static_cast<int64_t>(order[i]));
  if (classes) sorted_classes[i] = classes[order[i]];
}

__global__ void WriteKept(const int32_t* kept, const int32_t* order, int32_t count, int32_t* keep) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < count) keep[i] = order[kept[i]];
}

}  // namespace

rn_status Nms(const rn_nms* args) {
  return Guarded([&] {
    const rn_nms& op = *args;
    const Turn turn(op.place);
    Device& device = turn.device;
    Arrays arrays(device, op.place.memory);
    const int32_t most = static_cast<int32_t>(std::min(op.count, op.max_output));
    const int64_t blocks = DivideUp(op.count, kThreads);
    const float* scores = arrays.In(op.scores, op.count);
    const float* boxes = arrays.In(op.boxes, 4 * op.count);
    const int32_t* classes = arrays.In(op.classes, op.count);

    KeyedValues order(device, op.count);
    Scratch<int32_t> usable(device, 1);
    usable.Clear();
    Launch(device, blocks, kThreads, KeyScores, scores, boxes, op.count, order.keys(), order.values(), usable.get());
    order.Sort(device, 32);
    Scratch<Box> sorted_boxes(device, op.count);
    Scratch<int32_t> sorted_classes(device, classes ? op.count : 0), kept(device, most), num_kept(device, 1);
    Launch(device, blocks, kThreads, Gather, order.values(), op.count, boxes, classes, sorted_boxes.get(),
           sorted_classes.get());
    QueueSuppression(device,
                     {1, static_cast<int32_t>(op.count), usable.get(), sorted_boxes.get(), sorted_classes.get()},
                     op.iou_threshold, {most, kept.get(), num_kept.get()});

    int32_t count = 0;
    Download(device.stream, &count, num_kept.get(), sizeof count);
    Launch(device, DivideUp(count, kThreads), kThreads, WriteKept, kept.get(), order.values(), count,
           arrays.Out(op.keep, count));
    arrays.Finish();
    *op.num_keep = count;
  });
}

}  // namespace rn::cuda
