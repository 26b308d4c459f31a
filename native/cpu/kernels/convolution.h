// The innermost loops of convolutions: register tiles of some pixels (or rows of a filter) by some vectors of output
// channels, over as many products as there are. What a tile reads of the other operand is packed, a vector's lanes and
// the tile's vectors beside each other.
#ifndef RETINANET_OPS_KERNELS_CONVOLUTION_H
#define RETINANET_OPS_KERNELS_CONVOLUTION_H

#include <algorithm>
#include <cstdint>

#include "elementwise.h"
#include "finish.h"
#include "kernels.h"
#include "vector.h"
#include "winograd.h"

namespace rn::cpu::RN_ISA {

// How many pixels fill the registers, by the tile's vectors: accumulators, the vectors of one step, and one broadcast.
#if defined(__AVX512F__) || defined(RN_NEON)  // 32 registers
constexpr int kMostVectors = 3;
constexpr int kMostPixels[] = {0, 14, 14, 8};
#else  // 16
constexpr int kMostVectors = 2;
constexpr int kMostPixels[] = {0, 12, 6, 0};
#endif

// Pointers to the next value of each of a tile's rows, one for three rows: x86 reaches the others by an index that it
// doubles. A pointer for every row would be more than there are registers, and those of vectors would hold the rest.
template <int kRows>
struct RowPointers {
  static constexpr int kPointers = (kRows + 2) / 3;
  const float* of[kPointers];
  int64_t pitch;

  RN_ALWAYS_INLINE RowPointers(const float* first, int64_t pitch_between) : pitch(pitch_between) {
    RN_UNROLL_TILE for (int64_t i = 0; i < kPointers; ++i) of[i] = first + 3 * i * pitch;
  }
  RN_ALWAYS_INLINE float Value(int row) const { return of[row / 3][row % 3 * pitch]; }
  RN_ALWAYS_INLINE void Next() {
    RN_UNROLL_TILE for (int i = 0; i < kPointers; ++i) {
      ++of[i];
      RN_KEEP_IN_REGISTER(of[i]);
    }
  }
};

template <int kRows, int kVectors>
struct Accumulators {
  Float of[kRows][kVectors];

  // Products of one step: a value a row, kLanes * kVectors packed ones.
  template <class Value>
  RN_ALWAYS_INLINE void Add(const Value& value_of, const float* packed) {
    constexpr int64_t kLanes = Float::kLanes;
    Float vectors[kVectors];
    RN_UNROLL_TILE for (int v = 0; v < kVectors; ++v) vectors[v] = Load(packed + v * kLanes);
    RN_UNROLL_TILE for (int row = 0; row < kRows; ++row) {
      const Float value(value_of(row));
      RN_UNROLL_TILE for (int v = 0; v < kVectors; ++v) of[row][v] = Fma(value, vectors[v], of[row][v]);
    }
  }
};

// Stores rows of `width` sums of which some do not count, or to which something is added.
inline void StoreSums(const ConvolutionTile& tile, const float* sums, int64_t rows, int64_t width) {
  constexpr int64_t kLanes = Float::kLanes;
  const Finisher finish(tile.finish);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t first = 0; first < tile.columns; first += kLanes) {
      const int64_t count = std::min(kLanes, tile.columns - first), offset = row * tile.output_pitch + first;
      const Float sum = Load(sums + row * width + first);
      if (count == kLanes) {
        Store(tile.output + offset, finish(sum, offset, [](const float* p) { return Load(p); }));
      } else {
        StoreSome(tile.output + offset, finish(sum, offset, [&](const float* p) { return LoadSome(p, count); }), count);
      }
    }
  }
}

template <int kRows, int kVectors>
void ConvolutionTileOf(const ConvolutionTile& tile) {
  constexpr int64_t kLanes = Float::kLanes;
  Accumulators<kRows, kVectors> sums;
  RN_UNROLL_TILE for (int row = 0; row < kRows; ++row) {
    RN_UNROLL_TILE for (int v = 0; v < kVectors; ++v) sums.of[row][v] = Load(tile.bias + v * kLanes);
  }
  const float* packed = tile.packed;
  const ConvolutionTile* known = &tile;
  for (int64_t row = 0; row < known->filter_rows; ++row) {
    for (int64_t tap = 0; tap < known->taps; ++tap) {
      RN_KEEP_IN_REGISTER(known);  // and what it points to out of them
      RowPointers<kRows> values(known->input + row * known->row_pitch + tap * known->tap_pitch, known->pixel_pitch);
      const float* const end = packed + known->length * kVectors * kLanes;
      for (; packed != end; packed += kVectors * kLanes, values.Next()) {
        sums.Add([&](int pixel) { return values.Value(pixel); }, packed);
      }
    }
  }
  constexpr int64_t kWidth = kVectors * kLanes;
  if (tile.columns < kWidth || tile.finish.ReadsMore()) {
    float values[kRows * kWidth];
    RN_UNROLL_TILE for (int row = 0; row < kRows; ++row) {
      RN_UNROLL_TILE for (int v = 0; v < kVectors; ++v) Store(values + row * kWidth + v * kLanes, sums.of[row][v]);
    }
    StoreSums(tile, values, kRows, kWidth);
    return;
  }
  if (tile.finish.clamped) {
    const Finisher finish(tile.finish);
    RN_UNROLL_TILE for (int row = 0; row < kRows; ++row) {
      RN_UNROLL_TILE for (int v = 0; v < kVectors; ++v) sums.of[row][v] = finish.Clamped(sums.of[row][v]);
    }
  }
  RN_UNROLL_TILE for (int row = 0; row < kRows; ++row) {
    RN_UNROLL_TILE for (int v = 0; v < kVectors; ++v) {
      Store(tile.output + row * tile.output_pitch + v * kLanes, sums.of[row][v]);
    }
  }
}

template <int kRows, int kVectors>
void FilterGradientTileOf(const FilterGradientTile& tile) {
  constexpr int64_t kLanes = Float::kLanes;
  Accumulators<kRows, kVectors> sums;
  RN_UNROLL_TILE for (int row = 0; row < kRows; ++row) {
    RN_UNROLL_TILE for (int v = 0; v < kVectors; ++v) sums.of[row][v] = Float(0.0f);
  }
  for (int64_t row = 0; row < tile.rows; ++row) {
    const float* values = tile.input + row * tile.row_pitch;
    const float* packed = tile.packed + row * tile.packed_row_pitch;
    for (int64_t i = 0; i < tile.pixels; ++i, packed += tile.packed_pitch, values += tile.pixel_pitch) {
      sums.Add([&](int filter_row) { return values[filter_row]; }, packed);
    }
  }
  float* const out = tile.sums;
  const int64_t pitch = tile.sums_pitch;
  if (tile.adds) {
    RN_UNROLL_TILE for (int row = 0; row < kRows; ++row) {
      RN_UNROLL_TILE for (int v = 0; v < kVectors; ++v) {
        sums.of[row][v] = sums.of[row][v] + Load(out + row * pitch + v * kLanes);
      }
    }
  }
  RN_UNROLL_TILE for (int row = 0; row < kRows; ++row) {
    RN_UNROLL_TILE for (int v = 0; v < kVectors; ++v) Store(out + row * pitch + v * kLanes, sums.of[row][v]);
  }
}

template <int kVectors, int kRows = 1>
constexpr void FillTiles(ConvolutionKernels& kernels) {
  if constexpr (kRows <= kMostPixels[kVectors]) {
    kernels.tiles[kVectors][kRows] = ConvolutionTileOf<kRows, kVectors>;
    kernels.filter_gradient_tiles[kVectors][kRows] = FilterGradientTileOf<kRows, kVectors>;
    FillTiles<kVectors, kRows + 1>(kernels);
  }
}

constexpr ConvolutionKernels MakeConvolutionKernels() {
  ConvolutionKernels kernels{};
  kernels.lanes = Float::kLanes;
  kernels.most_vectors = kMostVectors;
  for (int v = 1; v <= kMostVectors; ++v) kernels.most_rows[v] = kMostPixels[v];
  FillTiles<1>(kernels);
  FillTiles<2>(kernels);
  FillTiles<3>(kernels);
  kernels.winograd = {WinogradPatchOf, WinogradFilterOf, WinogradOutputsOf, WinogradGradsOf, WinogradTapsOf};
  return kernels;
}

}  // namespace rn::cpu::RN_ISA

#endif
