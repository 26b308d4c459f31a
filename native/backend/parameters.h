// The parameters of every operation. Pointers are row-major and contiguous; counts are 64-bit; a pointer documented as
// optional may be null. The caller has validated every value in host memory; a backend relies on it. Values in a
// device's memory are not checked: there a label out of range counts as ignored, a box without area matches nothing,
// and what has a NaN loss or score, or a box that is not finite, is not kept by a suppression or a selection.
#ifndef RETINANET_OPS_PARAMETERS_H
#define RETINANET_OPS_PARAMETERS_H

#include "network_parameters.h"
#include "values.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  rn_place place;
  rn_dtype dtype;               // of logits and grad
  const void* logits;           // [rows, classes]
  const int32_t* labels;        // [rows]; exactly one of labels and targets is given
  const float* targets;         // [rows, classes] in [0, 1]
  const float* anchor_weights;  // optional [rows], >= 0; a row of weight 0 is ignored and not read
  int64_t rows, classes;
  rn_per_class alpha;  // null: off
  rn_per_class gamma;
  double label_smoothing;
  double normalizer;               // every loss and gradient is divided by it
  int32_t normalize_by_positives;  // 1: divide by max(1, number of positive rows) as well
  const float* grad_output;        // optional [grad_output_count] = 1 or rows * classes; absent means 1
  int64_t grad_output_count;
  float* losses;         // optional out [rows, classes]
  void* grad;            // optional out [rows, classes]; may be logits
  double* loss_sum;      // optional out, sum of all losses
  double* num_positive;  // out: rows that are not ignored and have a class (or any target > 0)
} rn_focal_loss;

typedef struct {
  rn_place place;
  rn_regression kind;
  const float* predictions;  // [rows, columns]
  const float* targets;      // [rows, columns]
  const float* weights;      // optional [rows]; a row of weight 0 does not count, whatever stands there
  int64_t rows, columns;     // columns: a multiple of the kind's width, of which a loss is made
  double beta;               // of RN_SMOOTH_L1; 0: plain L1
  double normalizer;         // every loss and gradient is divided by it
  const float* grad_output;  // optional [grad_output_count] = 1 or the number of losses; absent means 1
  int64_t grad_output_count;
  float* losses;     // optional out [rows, columns / width]
  float* grad;       // optional out [rows, columns]; may be predictions
  double* loss_sum;  // optional out, sum of all losses
} rn_regression_loss;

typedef struct {
  rn_place place;
  rn_anchors anchors;
  float* out;  // [anchors.count, 4]
} rn_grid_boxes;

typedef struct {
  rn_place place;
  rn_anchors anchors;
  rn_ground_truth truth;
  rn_match_options options;
  int32_t* labels;           // out [images * anchors]: class, RN_LABEL_BACKGROUND or RN_LABEL_IGNORED
  int32_t* matches;          // out [images * anchors]: row of truth.boxes, or the same sentinels
  int64_t* positive_counts;  // out [images], host
  uint8_t* gt_matched;       // out [truth rows], host: 1 where an anchor was assigned to the box
  uint8_t* tiles;            // optional out [images, ceil(anchors / RN_TILE)], host: 0 where a tile has no positive
} rn_assign;

typedef struct {
  rn_place place;
  rn_anchors anchors;
  rn_coder_weights coder_weights;
  rn_memory gt_memory;
  const float* gt_boxes;  // [gt_count, 4]
  int64_t gt_count;
  // [images * anchors]. JavaScript may have written to them since: rows out of range count as no match, more than P
  // matches are left out, and where there are fewer the rest of the outputs is 0.
  const int32_t* matches;
  const uint8_t* tiles;  // optional, as rn_assign wrote them: where to look
  int64_t images;
  int64_t num_positive;  // P, as rn_assign counted it
  int32_t* positives;    // out [P], ascending indices into matches
  float* box_targets;    // out [P, 4]
} rn_positive_targets;

typedef struct {
  rn_place place;
  rn_anchors anchors;
  rn_coder_weights coder_weights;
  const float* boxes;  // [count, 4]: boxes to encode, or deltas to decode
  float* out;          // [count, 4]
} rn_box_coding;

typedef struct {
  rn_place place;
  const float* boxes;  // [count, 4]
  int64_t count;
  float height, width;
  float* out;
} rn_clip;

typedef struct {
  rn_place place;
  const float* a;  // [rows, 4]
  const float* b;  // [columns, 4]
  int64_t rows, columns;
  float* out;  // [rows, columns]
} rn_iou;

typedef struct {
  rn_place place;
  const float* boxes;      // [count, 4]
  const float* scores;     // [count]
  const int32_t* classes;  // optional [count]: boxes suppress only their own class
  int64_t count;
  double iou_threshold;
  int64_t max_output;
  int32_t* keep;      // out [min(count, max_output)]
  int64_t* num_keep;  // out, host
} rn_nms;

typedef struct {
  rn_place place;
  rn_dtype dtype;            // of class_logits and box_deltas
  const void* class_logits;  // [images, anchors, classes]
  const void* box_deltas;    // [images, anchors, 4]; a row that decodes to no finite box is no candidate
  rn_anchors anchors;
  rn_coder_weights coder_weights;
  const int64_t* level_counts;  // [num_levels], host, summing to anchors.count
  int64_t num_levels;
  int64_t images, classes;
  float image_height, image_width;
  double score_threshold;
  int64_t top_k;  // per level
  double iou_threshold;
  int32_t class_agnostic;  // 1: boxes suppress those of other classes too
  int64_t max_detections;  // per image
  float* boxes;            // out [images * max_detections, 4], image b from row offsets[b]
  float* scores;           // out [images * max_detections]
  int32_t* labels;         // out [images * max_detections]
  int32_t* offsets;        // out [images + 1], host
} rn_decode;

typedef struct {
  rn_place place;
  rn_dtype dtype;            // of class_logits, box_deltas and their gradients
  const void* class_logits;  // [images, anchors, classes]
  const void* box_deltas;    // [images, anchors, 4]
  rn_anchors anchors;
  rn_ground_truth truth;
  rn_match_options match;
  rn_coder_weights coder_weights;
  int64_t classes;
  rn_per_class alpha;
  rn_per_class gamma;
  double label_smoothing;
  // Of positive anchors: of their deltas or, where its width is 4, of the boxes that they decode to.
  rn_regression regression;
  double beta;
  double box_weight;
  double normalizer;
  int32_t normalize_by_positives;
  // 1: the losses of an image are divided by its own positives (0 counts as 1), and by the number of images; then
  // neither normalize_by_positives nor divisor says anything else.
  int32_t normalize_by_image;
  // Optional [1], where the arrays lie: divides as well, whatever number it is, but 0 counts as 1.
  const void* divisor;
  int32_t divisor_is_float64;  // else float32
  double loss_scale;           // multiplies the gradients, and not the losses
  void* class_grad;            // out [images, anchors, classes]; may be class_logits
  void* box_grad;              // out [images, anchors, 4]; may be box_deltas
  double* loss;                // out: class_loss + box_loss
  double* class_loss;          // out
  double* box_loss;            // out, box_weight included
  double* num_positive;        // out
} rn_retinanet_loss;

typedef struct {
  rn_place place;
  const float* losses;    // [rows, columns], summed over columns
  const int32_t* labels;  // [rows]
  int64_t rows, columns;
  double ratio;           // negatives kept for each positive
  int64_t min_negatives;  // kept however few positives there are
  int32_t* keep;          // out [number of negatives, at most rows]
  int64_t* num_keep;      // out, host
} rn_hard_negatives;

// A convolution of images [images, height, width, channels] with filters [filter_height, filter_width, channels,
// filters] to [images, out_height, out_width, filters]. Row y of the output reads the rows y * stride_height + k *
// dilation_height - pad_top for k < filter_height; those that the image lacks are 0. A depthwise convolution has
// `filters` of each channel, and [images, out_height, out_width, channels * filters].
typedef struct {
  int64_t images, height, width, channels;
  int64_t filter_height, filter_width, filters;
  int64_t out_height, out_width;
  int64_t stride_height, stride_width, dilation_height, dilation_width;
  int64_t pad_top, pad_left;
} rn_convolution_shape;

typedef struct {
  rn_convolution_shape shape;
  const float* input;
  const float* filter;
  const float* bias;    // optional [channels of the output]
  const float* addend;  // optional, added to the output; not of depthwise ones
  int32_t clamped;      // 1: the output is clamped to [low, high]
  float low, high;
  float* output;
} rn_convolution;

typedef struct {
  rn_convolution_shape shape;
  const float* output_grad;
  const float* filter;
  // Optional, of the input's shape, and not of depthwise ones: what is added to the gradient; and what a ReLU gave as
  // the input, whose gradient follows.
  const float* addend;
  const float* rectified;
  float* input_grad;
} rn_convolution_input_grad;

typedef struct {
  rn_convolution_shape shape;
  const float* input;
  const float* output_grad;
  float* filter_grad;
} rn_convolution_filter_grad;

#ifdef __cplusplus
}
#endif

#endif
