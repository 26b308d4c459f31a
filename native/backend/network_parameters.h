// The parameters of what networks compute besides convolutions, and of what their training does, as parameters.h says
// of all.
#ifndef RETINANET_OPS_NETWORK_PARAMETERS_H
#define RETINANET_OPS_NETWORK_PARAMETERS_H

#include "values.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  rn_unary_kind kind;
  const float* input;  // [count]
  int64_t count;
  float alpha, beta;
  float* output;  // [count]; may be input
} rn_unary;

// a and b broadcast: their sizes are those of `shape` or 1.
typedef struct {
  rn_binary_kind kind;
  rn_shape shape, a_shape, b_shape;  // of one rank
  const float *a, *b;
  float alpha;
  float* output;  // may be an input of the output's shape
} rn_binary;

// Elements of a shape, from places in the one array to places in the other.
typedef struct {
  rn_shape shape;
  const float* input;  // the first element
  int64_t input_strides[RN_MAX_RANK];
  float* output;
  int64_t output_strides[RN_MAX_RANK];
} rn_strided_copy;

typedef struct {
  rn_reduction kind;
  const float* input;  // [outer, reduced, inner]
  int64_t outer, reduced, inner;
  float* output;  // [outer, inner]; of nothing: 0, NaN, or the infinity that any number is beyond
} rn_reduce;

// Of images [images, height, width, channels] to [images, out_height, out_width, channels]. The windows of outputs are
// cut to the image: an average is that of the pixels that there are. Maxima skip NaN.
typedef struct {
  int64_t images, height, width, channels, out_height, out_width;
  int64_t window_height, window_width, stride_height, stride_width, pad_top, pad_left;
} rn_pool_shape;

typedef struct {
  rn_pool_kind kind;
  rn_pool_shape shape;
  const float* input;
  float* output;
} rn_pool;

// A maximum's gradient goes to the first of the largest pixels, row by row.
typedef struct {
  rn_pool_kind kind;
  rn_pool_shape shape;
  int32_t whole_windows;  // 1: averages were of whole windows
  const float* input;
  const float* output_grad;
  float* input_grad;
} rn_pool_grad;

// Of images [images, height, width, channels], of at least one pixel, to [images, out_height, out_width, channels].
typedef struct {
  int64_t images, height, width, channels, out_height, out_width;
  int32_t bilinear;  // 0: the nearest pixel
  int32_t align_corners, half_pixel_centers;
} rn_resize_shape;

typedef struct {
  rn_resize_shape shape;
  const float* input;
  float* output;
} rn_resize;

typedef struct {
  rn_resize_shape shape;
  const float* output_grad;
  float* input_grad;
} rn_resize_grad;

typedef struct {
  const float* input;  // [pixels, channels]
  int64_t pixels, channels;
  const float *mean, *factor, *offset;  // [channels]
  float* output;                        // (input - mean) * factor + offset
} rn_batch_norm;

typedef struct {
  const float* input;        // [pixels, channels]
  const float* output_grad;  // [pixels, channels]
  int64_t pixels, channels;
  const float* mean;  // [channels]
  float* sums;        // [2, channels]: over pixels, of the gradient, and of its product with input - mean
} rn_batch_norm_sums;

// The gradients of so many threads, of the weights [first, end) of `length`: their sum, times scale.
typedef struct {
  int64_t length, first, end, parts;
  const float* partials;  // [parts, length]
  float scale;
  float* gradient;
  double* squares;  // the sum of its squares
} rn_sum_gradients;

// A step of Adam of the weights [first, end) of `length` (math/adam.h).
typedef struct {
  int64_t length, first, end;
  const float* gradient;
  float *weights, *first_moment, *second_moment, *average;
  float rest1, rest2, learning_rate, second_correction, gradient_scale, average_decay;
} rn_adam;

// A picture of three channels, changed (math/image_change.h).
typedef struct {
  const uint8_t* image;  // [height, width, 3]
  int64_t height, width;
  double scale_x, scale_y, shift_x, shift_y;
  float gain[3], offset;
  float* output;  // [height, width, 3], 0..255
} rn_change_image;

#ifdef __cplusplus
}
#endif

#endif
