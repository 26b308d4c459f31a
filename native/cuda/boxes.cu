// Box coding, clipping, pairwise IoU, and the boxes of an anchor grid.
#include "../math/box_coder.h"
#include "anchors.h"
#include "cuda_backend.h"

namespace rn::cuda {
namespace {

constexpr int kThreads = 256;

__device__ inline int64_t ThreadOfGrid() { return static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x; }

__global__ void WriteAnchors(Anchors anchors, rn_coder_weights, const float*, float* out) {
  const int64_t a = ThreadOfGrid();
  if (a < anchors.count) StoreBox(AnchorAt(anchors, static_cast<int32_t>(a)), out + 4 * a);
}

__global__ void EncodeAll(Anchors anchors, rn_coder_weights by, const float* boxes, float* out) {
  const int64_t a = ThreadOfGrid();
  if (a >= anchors.count) return;
  StoreDeltas(Encode(AnchorAt(anchors, static_cast<int32_t>(a)), LoadBox(boxes + 4 * a), by), out + 4 * a);
}

__global__ void DecodeAll(Anchors anchors, rn_coder_weights by, const float* deltas, float* out) {
  const int64_t a = ThreadOfGrid();
  if (a >= anchors.count) return;
  StoreBox(Decode(AnchorAt(anchors, static_cast<int32_t>(a)), LoadDeltas(deltas + 4 * a), by), out + 4 * a);
}

__global__ void ClipAll(const float* boxes, int64_t count, float height, float width, float* out) {
  const int64_t i = ThreadOfGrid();
  if (i < count) StoreBox(Clip(LoadBox(boxes + 4 * i), height, width), out + 4 * i);
}

// A part of the matrix, one per block: `height` rows of `width` columns.
struct IouTile {
  uint32_t height, width, across;  // and how many stand side by side
};

__global__ void IouOfAll(const float* a, const float* b, int64_t rows, int64_t columns, IouTile tile, float* out) {
  const int64_t first_row = static_cast<int64_t>(blockIdx.x / tile.across) * tile.height;
  const int64_t first_column = static_cast<int64_t>(blockIdx.x % tile.across) * tile.width;
  for (uint32_t i = threadIdx.x; i < tile.height * tile.width; i += kThreads) {
    const int64_t row = first_row + i / tile.width, column = first_column + i % tile.width;
    if (row >= rows || column >= columns) continue;
    const Box box = LoadBox(a + 4 * row), other = LoadBox(b + 4 * column);
    out[row * columns + column] = Iou(box, Area(box), other, Area(other));
  }
}

rn_status ForAnchors(const rn_box_coding& op, void (*kernel)(Anchors, rn_coder_weights, const float*, float*)) {
  return Guarded([&] {
    const Turn turn(op.place);
    Arrays arrays(turn.device, op.place.memory);
    const int64_t count = op.anchors.count;
    const Anchors anchors = AnchorsOf(arrays, op.anchors);
    const float* in = arrays.In(op.boxes, 4 * count);
    Launch(turn.device, DivideUp(count, kThreads), kThreads, kernel, anchors, op.coder_weights, in,
           arrays.Out(op.out, 4 * count));
    arrays.Finish();
  });
}

}  // namespace

rn_status GridBoxes(const rn_grid_boxes* op) {
  return ForAnchors({op->place, op->anchors, {}, nullptr, op->out}, WriteAnchors);
}

rn_status EncodeBoxes(const rn_box_coding* op) { return ForAnchors(*op, EncodeAll); }

rn_status DecodeBoxes(const rn_box_coding* op) { return ForAnchors(*op, DecodeAll); }

rn_status ClipBoxes(const rn_clip* op) {
  return Guarded([&] {
    const Turn turn(op->place);
    Arrays arrays(turn.device, op->place.memory);
    const float* boxes = arrays.In(op->boxes, 4 * op->count);
    float* out = arrays.Out(op->out, 4 * op->count);
    Launch(turn.device, DivideUp(op->count, kThreads), kThreads, ClipAll, boxes, op->count, op->height, op->width, out);
    arrays.Finish();
  });
}

rn_status BoxIou(const rn_iou* op) {
  return Guarded([&] {
    if (op->rows == 0 || op->columns == 0) return;
    const Turn turn(op->place);
    Arrays arrays(turn.device, op->place.memory);
    const float* a = arrays.In(op->a, 4 * op->rows);
    const float* b = arrays.In(op->b, 4 * op->columns);
    float* out = arrays.Out(op->out, op->rows * op->columns);
    constexpr int64_t kTile = 4096;
    const int64_t width = std::min(op->columns, kTile), height = std::max<int64_t>(1, kTile / width);
    const int64_t across = DivideUp(op->columns, width);
    const IouTile tile{static_cast<uint32_t>(height), static_cast<uint32_t>(width), static_cast<uint32_t>(across)};
    Launch(turn.device, across * DivideUp(op->rows, height), kThreads, IouOfAll, a, b, op->rows, op->columns, tile,
           out);
    arrays.Finish();
  });
}

}  // namespace rn::cuda
