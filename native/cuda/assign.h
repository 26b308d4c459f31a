// Anchor assignment on arrays in device memory, as other operations queue it.
#ifndef RETINANET_OPS_CUDA_ASSIGN_H
#define RETINANET_OPS_CUDA_ASSIGN_H

#include "anchors.h"

namespace rn::cuda {

// rn_ground_truth with everything in device memory, offsets included: kernels learn there how many boxes there are.
struct Truth {
  int32_t images;
  const float* boxes;
  const int32_t* labels;
  const int32_t* offsets;
  const float* ignore_boxes;
  const int32_t* ignore_offsets;  // null: no regions
};

inline Truth TruthOf(Arrays& arrays, const rn_ground_truth& truth) {
  const int64_t images = truth.images, rows = truth.offsets[images];
  const int64_t ignore_rows = truth.ignore_offsets ? truth.ignore_offsets[images] : 0;
  return {static_cast<int32_t>(images),
          arrays.In(truth.boxes, 4 * rows, truth.memory),
          arrays.In(truth.labels, rows, truth.memory),
          arrays.FromHost(truth.offsets, images + 1),
          arrays.In(truth.ignore_boxes, 4 * ignore_rows, truth.memory),
          arrays.FromHost(truth.ignore_offsets, images + 1)};
}

// A box's bid for an anchor: the highest IoU wins, and of equal ones the smaller row.
using Bid = unsigned long long;

// Of each image, so that every image's begin at a multiple of 16 bytes.
RN_HD int64_t BidsOfImage(int64_t anchors) { return (anchors + kWarp - 1) / kWarp * kWarp; }

struct Assignment {
  Anchors anchors;
  Truth truth;
  rn_match_options options;
  int32_t classes;                      // a label beyond counts as ignored, as negative ones do
  Group* groups;                        // scratch [CountGroups(anchors)] for a list
  Bid* bids;                            // scratch [images, BidsOfImage(anchors)], zero beforehand
  unsigned* kept;                       // scratch, a bit per bid, zero beforehand
  unsigned* in_region;                  // the same; null without ignore regions
  int32_t* labels;                      // out, as the three below in rn_assign
  int32_t* matches;                     // out
  unsigned long long* positive_counts;  // out, zero beforehand
  uint8_t* gt_matched;                  // optional out, zero beforehand
  double* num_positive;                 // optional out, of all images
  unsigned* counters;                   // scratch [2], zero beforehand: boxes handed out, blocks of Decide done
};

void QueueAssignment(const Device& device, Assignment assignment);

}  // namespace rn::cuda

#endif
