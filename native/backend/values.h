// What the parameters of operations are made of.
#ifndef RETINANET_OPS_VALUES_H
#define RETINANET_OPS_VALUES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

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
// the order of the calls, on the one stream of that device; addresses there are aligned for one element and no more.
// Always in host memory: parameters (rn_per_class, grid levels, offsets) and what is marked "host".
typedef enum { RN_HOST = 0, RN_DEVICE = 1 } rn_memory;
typedef struct {
  rn_memory memory;
  int32_t device;  // from 0; calls on host arrays have none, the backend chooses
} rn_place;

// Element type of a network's outputs and of their gradients; arithmetic is float32 or better. In host memory: float32.
typedef enum { RN_FLOAT32 = 0, RN_FLOAT16 = 1, RN_BFLOAT16 = 2 } rn_dtype;

enum { RN_LABEL_BACKGROUND = -1, RN_LABEL_IGNORED = -2 };

// Losses of a regression; kinds are numbered from 0 in the order of regressions.def.
typedef enum {
#define RN_REGRESSION(KIND, name, Formula, width) KIND,
#include "regressions.def"
  RN_NUM_REGRESSIONS
} rn_regression;

// What is computed element by element, in the order of elementwise.def.
typedef enum {
#define RN_UNARY(Name, ...) RN_UNARY_##Name,
#include "../math/elementwise.def"
  RN_NUM_UNARIES
} rn_unary_kind;
typedef enum {
#define RN_BINARY(Name, ...) RN_BINARY_##Name,
#include "../math/elementwise.def"
  RN_NUM_BINARIES
} rn_binary_kind;

typedef enum { RN_SUM = 0, RN_MEAN = 1, RN_MAX = 2, RN_MIN = 3, RN_NUM_REDUCTIONS } rn_reduction;

typedef enum { RN_MAX_POOL = 0, RN_AVERAGE_POOL = 1 } rn_pool_kind;

// Axes of an array of elements.
#define RN_MAX_RANK 8
typedef struct {
  int32_t rank;  // at most RN_MAX_RANK
  int64_t sizes[RN_MAX_RANK];
} rn_shape;

// A parameter that is one number for all classes (count 1) or one per class (count K).
typedef struct {
  const double* values;  // null: switched off
  int64_t count;
} rn_per_class;

// One level of an anchor grid. half_sizes: [anchors_per_cell, 2] half width and half height, in anchor order.
typedef struct {
  int64_t height, width;      // cells
  double stride_y, stride_x;  // pixels
  double center_offset;       // of cells: that of cell i lies at (i + center_offset) * stride
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

// What multiplies the deltas dx, dy, dw, dh of an encoded box, each in [2^-126, 2^126].
typedef struct {
  float dx, dy, dw, dh;
} rn_coder_weights;

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

#ifdef __cplusplus
}
#endif

#endif
