// From a network's outputs to detections: torchvision's RetinaNet.postprocess_detections. Per level the top_k scores
// above the threshold, then decoding, clipping, suppression over all levels, and the best max_detections; all images
// side by side.
#include "../math/box_coder.h"
#include "anchors.h"
#include "candidates.h"
#include "cuda_backend.h"
#include "scan.h"
#include "suppression.h"
#include "vector_access.h"

namespace rn::cuda {
namespace {

constexpr int kThreads = 256;

// Of all images, best first; an image has `slots` rows, of which `counts` are in use.
struct Sorted {
  int32_t images, slots;
  const int32_t* counts;
  Box* boxes;
  float* scores;
  int32_t* labels;
};

template <class T>
// NOLINTNEXTLINE(readability-function-size): a kernel, which takes what it needs by value
__global__ void DecodeCandidates(Sorted sorted, const int32_t* order, const Candidate* candidates, Anchors anchors,
                                 int64_t classes, Outputs<T> outputs, float height, float width) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (row >= static_cast<int64_t>(sorted.images) * sorted.slots) return;
  const int32_t image = static_cast<int32_t>(row / sorted.slots);
  if (row % sorted.slots >= sorted.counts[image]) return;
  const Candidate candidate = candidates[order[row]];
  const int32_t anchor = static_cast<int32_t>(candidate.index / classes);
  const Box box = Decode(AnchorAt(anchors, anchor), DeltasOf(outputs, anchors, image, anchor), outputs.coder_weights);
  sorted.boxes[row] = Clip(box, height, width);
  sorted.scores[row] = candidate.score;
  sorted.labels[row] = static_cast<int32_t>(candidate.index % classes);
}

__global__ void SumDetections(const int32_t* counts, int32_t images, int32_t* offsets) {
  RN_SHARED(BlockSums<int32_t>, sums);
  int32_t before = 0;
  for (int32_t first = 0; first < images; first += kThreads) {
    const int64_t image = static_cast<int64_t>(first) + threadIdx.x;
    int32_t total = 0;
    const int32_t of_others = SumBefore(image < images ? counts[image] : 0, sums, total);
    if (image < images) offsets[image] = before + of_others;
    before += total;
  }
  if (threadIdx.x == 0) offsets[images] = before;
}

__global__ void WriteDetections(Sorted sorted, Kept kept, const int32_t* offsets, float* boxes, float* scores,
                                int32_t* labels) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= static_cast<int64_t>(sorted.images) * kept.most) return;
  const int32_t image = static_cast<int32_t>(i / kept.most), rank = static_cast<int32_t>(i % kept.most);
  if (rank >= kept.counts[image]) return;
  const int64_t from = static_cast<int64_t>(image) * sorted.slots + kept.rows[i], to = offsets[image] + rank;
  StoreBox(sorted.boxes[from], boxes + 4 * to);
  scores[to] = sorted.scores[from];
  labels[to] = sorted.labels[from];
}

template <class T>
void RunDecode(Device& device, Arrays& arrays, const rn_decode& op) {
  const int64_t rows = op.images * op.anchors.count;
  const Anchors anchors = AnchorsOf(arrays, op.anchors);
  const Outputs<T> outputs{arrays.In(static_cast<const T*>(op.class_logits), rows * op.classes),
                           arrays.In(static_cast<const T*>(op.box_deltas), 4 * rows), op.coder_weights};
  Candidates candidates(device, op);
  candidates.Select(device, arrays, op, anchors, outputs);

  const int32_t images = static_cast<int32_t>(op.images), slots = candidates.slots();
  const int64_t all = op.images * slots;
  Scratch<Box> boxes(device, all);
  Scratch<float> scores(device, all);
  Scratch<int32_t> labels(device, all);
  const Sorted sorted{images, slots, candidates.counts(), boxes.get(), scores.get(), labels.get()};
  Launch(device, DivideUp(all, kThreads), kThreads, DecodeCandidates<T>, sorted, candidates.order(),
         candidates.candidates(), anchors, op.classes, outputs, op.image_height, op.image_width);

  const int32_t most = static_cast<int32_t>(std::min<int64_t>(op.max_detections, slots));
  Scratch<int32_t> kept_rows(device, op.images * most), kept_counts(device, op.images), offsets(device, op.images + 1);
  const Kept kept{most, kept_rows.get(), kept_counts.get()};
  const int32_t* classes = op.class_agnostic ? nullptr : sorted.labels;
  QueueSuppression(device, {images, slots, sorted.counts, sorted.boxes, classes}, op.iou_threshold, kept);
  Launch(device, 1, kThreads, SumDetections, kept.counts, images, offsets.get());

  Download(device.stream, op.offsets, offsets.get(), (op.images + 1) * static_cast<int64_t>(sizeof(int32_t)));
  const int64_t found = op.offsets[op.images];
  float* out_boxes = arrays.Out(op.boxes, 4 * found);
  float* out_scores = arrays.Out(op.scores, found);
  int32_t* out_labels = arrays.Out(op.labels, found);
  Launch(device, DivideUp(op.images * most, kThreads), kThreads, WriteDetections, sorted, kept, offsets.get(),
         out_boxes, out_scores, out_labels);
  arrays.Finish();
}

}  // namespace

rn_status DecodeDetections(const rn_decode* op) {
  return Guarded([&] {
    const Turn turn(op->place);
    Arrays arrays(turn.device, op->place.memory);
    if (op->dtype == RN_FLOAT16) return RunDecode<__half>(turn.device, arrays, *op);
    if (op->dtype == RN_BFLOAT16) return RunDecode<__nv_bfloat16>(turn.device, arrays, *op);
    RunDecode<float>(turn.device, arrays, *op);
  });
}

}  // namespace rn::cuda
