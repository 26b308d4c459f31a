// The C table of functions that a backend fills. Plain C types only, so that a backend may be another shared library
// built by another compiler. Pointers are row-major and contiguous; counts are 64-bit; a pointer documented as optional
// may be null. The caller has validated every value in host memory; a backend relies on it. What lies in a device's
// memory nobody has looked at: there a label out of range counts as ignored, a box without area matches nothing, and
// what has a NaN loss or score, or a box that is not finite, is not kept by a suppression or a selection.
#ifndef RETINANET_OPS_BACKEND_H
#define RETINANET_OPS_BACKEND_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Raised whenever a struct below or the table changes: a plugin of another version is refused ("abi-mismatch").
#define RN_ABI_VERSION 5

typedef enum {
  RN_OK = 0,
  RN_OUT_OF_MEMORY = 1,
  RN_BACKEND_FAILURE = 2,  // device lost, launch failed, ...: `message` says what
} rn_code;

typedef struct {
  rn_code code;
  char message[256];
} rn_status;

// Where the arrays of a call lie: in the host's memory, or all of them in one device's. Then work is only queued, in
// the order of the calls, on the one stream of that device. Always in host memory: parameters (rn_per_class, grid
// levels, offsets) and what is marked "host".
typedef enum { RN_HOST = 0, RN_DEVICE = 1 } rn_memory;
typedef struct {
  rn_memory memory;
  int32_t device;  // from 0; calls on host arrays have none, the backend chooses
} rn_place;

// Element type of a network's outputs and of their gradients; arithmetic is float32 or better. In host memory: float32.
typedef enum { RN_FLOAT32 = 0, RN_FLOAT16 = 1, RN_BFLOAT16 = 2 } rn_dtype;

enum { RN_LABEL_BACKGROUND = -1, RN_LABEL_IGNORED = -2 };

// A parameter that is one number for all classes (count 1) or one a class (count K).
typedef struct {
  const double* values;  // null: switched off
  int64_t count;
} rn_per_class;

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
  const float* predictions;  // [rows, columns]
  const float* targets;      // [rows, columns]
  const float* weights;      // optional [rows]; a row of weight 0 is not read
  int64_t rows, columns;
  double beta;  // 0: plain L1
  double normalizer;
  const float* grad_output;
  int64_t grad_output_count;
  float* losses;
  float* grad;
  double* loss_sum;
} rn_smooth_l1;

// One level of an anchor grid. half_sizes: [anchors_per_cell, 2] half width and half height, in anchor order.
typedef struct {
  int64_t height, width;  // cells
  double stride;          // pixels
  int64_t first_anchor;
  const float* half_sizes;
} rn_grid_level;

// Anchors are either a list of boxes or a grid that is computed on the fly.
typedef struct {
  int64_t count;
  const float* boxes;  // [count, 4]; null for a grid
  const rn_grid_level* levels;
  int64_t num_levels;
  int64_t anchors_per_cell;
} rn_anchors;

typedef struct {
  rn_place place;
  rn_anchors anchors;
  float* out;  // [anchors.count, 4]
} rn_grid_boxes;

// Ragged: image b owns rows offsets[b] .. offsets[b + 1].
typedef struct {
  rn_memory memory;  // of boxes, labels and ignore_boxes; a call on device arrays takes ground truth from either
  int64_t images;
  const float* boxes;
  const int32_t* labels;
  const int32_t* offsets;         // [images + 1], host
  const float* ignore_boxes;      // optional
  const int32_t* ignore_offsets;  // optional [images + 1], host
} rn_ground_truth;

typedef struct {
  float positive_threshold, negative_threshold, ignore_iof;
  int32_t allow_low_quality_matches;
} rn_match_options;

// Anchors of one image that are looked at together.
#define RN_TILE 256

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
  int64_t classes;
  rn_per_class alpha;
  rn_per_class gamma;
  double label_smoothing;
  double beta;
  double box_weight;
  double normalizer;
  int32_t normalize_by_positives;
  void* class_grad;      // out [images, anchors, classes]; may be class_logits
  void* box_grad;        // out [images, anchors, 4]; may be box_deltas
  double* loss;          // out: class_loss + box_loss
  double* class_loss;    // out
  double* box_loss;      // out, box_weight included
  double* num_positive;  // out
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

typedef struct rn_backend {
  uint32_t abi_version;
  const char* name;
  const char* instruction_set;
  rn_status (*focal_loss)(const rn_focal_loss*);
  rn_status (*smooth_l1)(const rn_smooth_l1*);
  rn_status (*grid_boxes)(const rn_grid_boxes*);
  rn_status (*assign)(const rn_assign*);
  rn_status (*positive_targets)(const rn_positive_targets*);
  rn_status (*encode_boxes)(const rn_box_coding*);
  rn_status (*decode_boxes)(const rn_box_coding*);
  rn_status (*clip_boxes)(const rn_clip*);
  rn_status (*box_iou)(const rn_iou*);
  rn_status (*nms)(const rn_nms*);
  rn_status (*decode_detections)(const rn_decode*);
  rn_status (*retinanet_loss)(const rn_retinanet_loss*);
  rn_status (*select_hard_negatives)(const rn_hard_negatives*);
} rn_backend;

#ifdef __cplusplus
}
#endif

#endif
