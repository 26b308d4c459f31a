// Box coding, clipping, pairwise IoU, and the boxes of an anchor grid.
#include <algorithm>

#include "../math/box_coder.h"
#include "../threads/thread_pool.h"
#include "anchor_block.h"
#include "cpu_backend.h"
#include "status.h"

namespace rn::cpu {
namespace {

constexpr int64_t kBoxesPerBlock = 4096;

template <class Visit>
rn_status ForAnchorsInParallel(const rn_anchors& anchors, const Visit& visit) {
  return Guarded([&] {
    ParallelFor(NumBlocks(anchors.count, kBoxesPerBlock), [&](int64_t block) {
      ForEachAnchor(anchors, block * kBoxesPerBlock, std::min(anchors.count, (block + 1) * kBoxesPerBlock), visit);
    });
  });
}

}  // namespace

rn_status GridBoxes(const rn_grid_boxes* op) {
  return ForAnchorsInParallel(op->anchors, [=](int64_t a, const Box& box) { StoreBox(box, op->out + 4 * a); });
}

rn_status EncodeBoxes(const rn_box_coding* op) {
  return ForAnchorsInParallel(op->anchors, [=](int64_t a, const Box& anchor) {
    StoreDeltas(Encode(anchor, LoadBox(op->boxes + 4 * a), op->coder_weights), op->out + 4 * a);
  });
}

rn_status DecodeBoxes(const rn_box_coding* op) {
  return ForAnchorsInParallel(op->anchors, [=](int64_t a, const Box& anchor) {
    StoreBox(Decode(anchor, LoadDeltas(op->boxes + 4 * a), op->coder_weights), op->out + 4 * a);
  });
}

rn_status ClipBoxes(const rn_clip* op) {
  return Guarded([&] {
    for (int64_t i = 0; i < op->count; ++i) {
      StoreBox(Clip(LoadBox(op->boxes + 4 * i), op->height, op->width), op->out + 4 * i);
    }
  });
}

rn_status BoxIou(const rn_iou* op) {
  return Guarded([&] {
    const int64_t rows_per_block = std::max<int64_t>(1, 16384 / std::max<int64_t>(1, op->columns));
    ParallelFor(NumBlocks(op->rows, rows_per_block), [&](int64_t block) {
      const int64_t end = std::min(op->rows, (block + 1) * rows_per_block);
      for (int64_t i = block * rows_per_block; i < end; ++i) {
        const Box a = LoadBox(op->a + 4 * i);
        const float area = Area(a);
        for (int64_t j = 0; j < op->columns; ++j) {
          const Box b = LoadBox(op->b + 4 * j);
          op->out[i * op->columns + j] = Iou(a, area, b, Area(b));
        }
      }
    });
  });
}

}  // namespace rn::cpu
