// Depthwise convolutions of filters of three places that move over by two, and their gradient by the input. Weights and
// what neighbours share stay in registers along a row.
#ifndef RETINANET_OPS_KERNELS_DEPTHWISE_BY_TWO_H
#define RETINANET_OPS_KERNELS_DEPTHWISE_BY_TWO_H

#include <cstdint>

#include "kernels.h"
#include "vector.h"

namespace rn::cpu::RN_ISA {

// The last column of the input that a pixel reads is the first of the next one's.
template <int kRows>
void DepthwiseByTwoOf(const DepthwiseTile& given, int64_t pixels) {
  const DepthwiseTile tile = given;  // which no store changes
  constexpr int64_t kLanes = Float::kLanes;
  const Float low(tile.low), high(tile.high);
  for (int64_t next = 0; next < tile.channels; next += kLanes) {
    const int64_t first = next + kLanes <= tile.channels ? next : tile.channels - kLanes;
    const float* values = tile.input + first;
    Float weights[kRows][3], left[kRows];
    RN_UNROLL_TILE for (int row = 0; row < kRows; ++row) {
      left[row] = Load(values + row * tile.row_pitch);
      RN_UNROLL_TILE for (int tap = 0; tap < 3; ++tap) {
        weights[row][tap] = Load(tile.filter + row * tile.filter_pitch + tap * tile.channels + first);
      }
    }
    const Float bias = Load(tile.bias + first);
    float* output = tile.output + first;
    for (int64_t pixel = 0; pixel < pixels; ++pixel, values += tile.pixel_pitch, output += tile.output_pitch) {
      Float sum = bias;
      RN_UNROLL_TILE for (int row = 0; row < kRows; ++row) {
        const float* const of_row = values + row * tile.row_pitch;
        const Float right = Load(of_row + 2 * tile.tap_pitch);
        sum = Fma(left[row], weights[row][0], sum);
        sum = Fma(Load(of_row + tile.tap_pitch), weights[row][1], sum);
        sum = Fma(right, weights[row][2], sum);
        left[row] = right;
      }
      Store(output, Min(high, Max(low, sum)));
    }
  }
}

// A sum of products, which the first of them begins.
struct Products {
  Float sum{0.0f};
  bool is_begun = false;
  RN_ALWAYS_INLINE void Add(Float a, Float b) {
    sum = is_begun ? Fma(a, b, sum) : a * b;
    is_begun = true;
  }
};

// The output's gradient at two columns, of the row above and of the row that the pixels of a pair are at, and its
// filter. What there is not is not read.
template <bool kAbove, bool kAt>
struct InputPair {
  Float weights[3][3];
  Float above[2] = {Float(0.0f), Float(0.0f)}, at[2] = {Float(0.0f), Float(0.0f)};

  RN_ALWAYS_INLINE void LoadColumn(const DepthwiseInputPairs& pairs, int column, int64_t offset) {
    if constexpr (kAbove) above[column] = Load(pairs.above + offset);
    if constexpr (kAt) at[column] = Load(pairs.at + offset);
  }
  RN_ALWAYS_INLINE void MoveOn() {
    if constexpr (kAbove) above[0] = above[1];
    if constexpr (kAt) at[0] = at[1];
  }
  // In the even row and in the odd one: what the filter's outer rows give, and what its middle one gives.
  RN_ALWAYS_INLINE Float Even(bool has_left, bool has_here, bool is_even_column) const {
    Products products;
    if constexpr (kAt) AddRow(products, weights[0], at, has_left, has_here, is_even_column);
    if constexpr (kAbove) AddRow(products, weights[2], above, has_left, has_here, is_even_column);
    return products.sum;
  }
  RN_ALWAYS_INLINE Float Odd(bool has_left, bool has_here, bool is_even_column) const {
    Products products;
    if constexpr (kAt) AddRow(products, weights[1], at, has_left, has_here, is_even_column);
    return products.sum;
  }

 private:
  RN_ALWAYS_INLINE static void AddRow(Products& products, const Float (&of_row)[3], const Float (&grads)[2],
                                      bool has_left, bool has_here, bool is_even_column) {
    if (has_here) products.Add(grads[1], of_row[is_even_column ? 0 : 1]);
    if (has_left && is_even_column) products.Add(grads[0], of_row[2]);
  }
};

template <bool kAbove, bool kAt>
void InputPairsOf(const DepthwiseInputPairs& pairs) {
  constexpr int64_t kLanes = Float::kLanes;
  const int64_t c = pairs.channels, pad = pairs.pad, width = pairs.width, outputs = pairs.out_width;
  const int64_t first = pairs.first, end = pairs.end;
  float *const even_row = pairs.even, *const odd_row = pairs.odd;
  // Pairs of which nothing is missing.
  const int64_t least = pad / 2 + pad % 2 > 1 ? pad / 2 + pad % 2 : 1;
  const int64_t most = (width + pad) / 2 < outputs ? (width + pad) / 2 : outputs;
  const int64_t begin = least < first ? first : least < end ? least : end;
  const int64_t last = most > end ? end : most > begin ? most : begin;
  for (int64_t next = 0; next < c; next += kLanes) {
    const int64_t channel = next + kLanes <= c ? next : c - kLanes;
    InputPair<kAbove, kAt> at_pair;
    for (int row = 0; row < 3; ++row) {
      for (int tap = 0; tap < 3; ++tap) at_pair.weights[row][tap] = Load(pairs.filter + (row * 3 + tap) * c + channel);
    }
    const auto edge = [&](int64_t pair) {
      const bool has_left = pair >= 1 && pair <= outputs, has_here = pair < outputs;
      if (has_left) at_pair.LoadColumn(pairs, 0, (pair - 1) * c + channel);
      if (has_here) at_pair.LoadColumn(pairs, 1, pair * c + channel);
      for (int64_t column = 2 * pair - pad; column < 2 * pair - pad + 2; ++column) {
        if (column < 0 || column >= width) continue;
        const bool is_even = column == 2 * pair - pad;
        if (even_row) Store(even_row + column * c + channel, at_pair.Even(has_left, has_here, is_even));
        if (odd_row) Store(odd_row + column * c + channel, at_pair.Odd(has_left, has_here, is_even));
      }
    };
    for (int64_t pair = first; pair < begin; ++pair) edge(pair);
    if (begin < last) at_pair.LoadColumn(pairs, 0, (begin - 1) * c + channel);
    for (int64_t pair = begin; pair < last; ++pair, at_pair.MoveOn()) {
      at_pair.LoadColumn(pairs, 1, pair * c + channel);
      const int64_t offset = (2 * pair - pad) * c + channel;
      if (even_row) {
        Store(even_row + offset, at_pair.Even(true, true, true));
        Store(even_row + offset + c, at_pair.Even(true, true, false));
      }
      if (odd_row) {
        Store(odd_row + offset, at_pair.Odd(true, true, true));
        Store(odd_row + offset + c, at_pair.Odd(true, true, false));
      }
    }
    for (int64_t pair = last; pair < end; ++pair) edge(pair);
  }
}

inline void InputPairs(const DepthwiseInputPairs& given) {
  const DepthwiseInputPairs pairs = given;
  if (pairs.above) return pairs.at ? InputPairsOf<true, true>(pairs) : InputPairsOf<true, false>(pairs);
  return pairs.at ? InputPairsOf<false, true>(pairs) : InputPairsOf<false, false>(pairs);
}

}  // namespace rn::cpu::RN_ISA

#endif
