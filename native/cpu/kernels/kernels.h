// What one source compiles to for each instruction set, and the choice among them.
#ifndef RETINANET_OPS_KERNELS_H
#define RETINANET_OPS_KERNELS_H

#include <cstdint>

#include "../../backend/parameters.h"
#include "../../math/focal_parameters.h"
#include "convolution_kernels.h"
#include "depthwise_kernels.h"

namespace rn::cpu {

// A run of logits whose rows are all to be counted. Element i has class (first_class + i) mod K. The parameter tables
// hold one value for all classes (table_step 0), or a whole number of periods of K and kChunk values more of the next.
struct FocalSpan {
  static constexpr int64_t kChunk = 512;     // elements worked on together: a multiple of every vector's lanes
  static constexpr int64_t kMostLanes = 16;  // what may be read from a table past the last value

  const float* logits;
  const float* targets;  // null: the classes are the targets
  const int32_t*
      classes;  // ascending, those elements that are their row's class, then one that is past the last element
  int64_t count;

  int64_t table_step, table_index, table_period;  // table_index < table_period, which is at least kChunk
  const float* background_weight;                 // 1 - alpha
  const float* class_weight;                      // alpha
  const float* gamma;                             // rounded, and
  const float* gamma_rest;                        // what rounding left
  const FocalClass* by_class;                     // all that in float64, of number_of_classes: 1 for all, or K
  int64_t number_of_classes;
  float largest_logit;  // up to which float32 surely does; beyond, `limits` say so of an element
  const FocalLimits* limits;
  const float* weights;  // optional, one per element
  TargetRange range;

  double loss_scale, grad_scale;  // of what is stored; the sum is not scaled
  const float* upstream;          // optional, one per element
  float* losses;                  // optional
  float* grad;                    // optional
  bool stream;                    // write grad, which is aligned to 16 bytes, past the cache
};

enum FocalTargets { kHard, kSoft, kDense, kNumFocalTargets };

// Sum of the losses.
using FocalKernel = double (*)(const FocalSpan&);

// Boxes that a suppression has kept, of one class, as columns; a list's blocks are linked by their indices.
struct KeptBlock {
  static constexpr int64_t kSize = 16;
  float x1[kSize], y1[kSize], x2[kSize], y2[kSize], areas[kSize];  // past `count`: boxes that overlap nothing
  int32_t count, label;
  int32_t next;  // -1: none
};

struct NmsCandidate {
  float x1, y1, x2, y2, area;
  int32_t label;
  float threshold;  // of the IoU
};

using OverlapKernel = bool (*)(const KeptBlock* blocks, int32_t first, const NmsCandidate&);
// `found` has room for count.
using FindKernel = int64_t (*)(const float* values, int64_t count, float threshold, int32_t* found);

// Anchors as columns that can be read for a vector past `count`; what lies there overlaps nothing.
constexpr int64_t kRunPadding = 16;  // the most lanes
struct AnchorList {
  const float *x1, *y1, *x2, *y2, *areas;
  int64_t count;
};

// Anchors of one row of a grid, side by side. The corners along x are columns of the whole row, padded as above;
// half_heights holds those of one cell and then, over and over, as many as a vector has lanes.
struct GridRun {
  const float *x1, *x2, *half_heights;
  float center_y;
  int64_t first_shape, period;  // the first anchor's place in its cell, of so many
  int64_t count;
};

struct BoxWithArea {
  float x1, y1, x2, y2, area;
};

template <class Run>
struct AssignKernels {
  // The highest IoU if above `known`, otherwise `known`.
  float (*highest_iou)(const Run&, const BoxWithArea&, float known);
  // The same, and wherever the IoU exceeds `best` it becomes the best and `row`, the bits of an integer, the owner.
  // Infinity as `known` asks for no highest. `best` and `owner` are written for a vector past the run's end.
  float (*compete)(const Run&, const BoxWithArea&, float row, float known, float* best, float* owner);
  // Indices within the run of the anchors whose IoU is exactly `iou` > 0, ascending; `found` has room for all.
  int64_t (*find_iou)(const Run&, const BoxWithArea&, float iou, int32_t* found);
  // Those of the anchors that have at least `share` of their area in the box.
  int64_t (*find_covered)(const Run&, const BoxWithArea&, float share, int32_t* found);
};

// Elements that lie side by side, but where one_a or one_b says that a or b is one number for all; not both. The output
// may be an input.
struct UnaryRun {
  const float* input;
  float* output;
  int64_t count;
  float alpha, beta;
};
struct BinaryRun {
  const float *a, *b;
  bool one_a, one_b;
  float* output;
  int64_t count;
  float alpha;
};

struct ElementwiseKernels {
  void (*unary[RN_NUM_UNARIES])(const UnaryRun&);
  void (*binary[RN_NUM_BINARIES])(const BinaryRun&);
};

// Rows, `pitch` apart, of so many columns; `readable` is how many floats there are from `values` on.
struct ColumnRun {
  const float* values;
  int64_t rows, columns, pitch, readable;
};

struct ReduceKernels {
  double (*sum_row)(const float* values, int64_t count);
  void (*sum_columns)(const ColumnRun&, double* sums);  // added to `sums`
  void (*extremes[2])(const ColumnRun&, float* best);   // the largest, the smallest, `best` included
};

// The pixels of an image that an output is pooled from; channels lie side by side.
struct PoolWindow {
  const float* input;  // of the first
  int64_t rows, columns, row_pitch, column_pitch, channels;
  float count;  // by which an average divides
};

// Of batch normalization: output = (input - mean) * factor + offset.
struct NormalizedChannels {
  const float *mean, *factor, *offset;
  int64_t channels;
};

struct PixelKernels {
  // By rn_pool_kind.
  void (*pool[2])(const PoolWindow&, float* output);
  // Adds to the rows [first, end) of the window's gradient, which lies as its input.
  void (*pool_grad[2])(const PoolWindow&, int64_t first, int64_t end, const float* output_grad, float* grad);
  // Top left, top right, bottom left, bottom right.
  void (*blend)(const float* const (&corners)[4], float right, float down, int64_t channels, float* output);
  void (*add_scaled)(const float* input, float factor, int64_t channels, float* output);
  void (*normalize)(const NormalizedChannels&, const float* input, float* output);
  // Adds the sums over pixels of dy and of dy (x - mean) to `sums` [2, channels].
  void (*normalization_sums)(const NormalizedChannels&, const float* input, const float* output_grad, int64_t pixels,
                             double* sums);
};

// The sum of the losses of the rows [first, end).
using RegressionKernel = double (*)(const rn_regression_loss&, int64_t first, int64_t end);

struct Kernels {
  const char* instruction_set;
  FocalKernel focal_loss[kNumFocalTargets][kNumFocalGammas];
  OverlapKernel overlaps_kept;
  FindKernel find_at_least;
  AssignKernels<AnchorList> list;
  AssignKernels<GridRun> grid;
  RegressionKernel regression_loss[RN_NUM_REGRESSIONS];
  ConvolutionKernels convolution;
  DepthwiseKernels depthwise;
  ElementwiseKernels elementwise;
  ReduceKernels reduce;
  PixelKernels pixels;
  void (*adam)(const rn_adam&, int64_t first, int64_t end);  // of the weights
};

// The best set that this processor has, or the one that RETINANET_OPS_CPU names (baseline, avx2, avx512); null if it
// names one that is not to be had here. Chosen once.
const Kernels* ActiveKernels();

}  // namespace rn::cpu

#endif
