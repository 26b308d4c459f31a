// The transforms of Winograd's F(2x2, 3x3) (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015,
// section 4.1), over channels. Vectors overlap at the end where channels do not fill the last one.
#ifndef RETINANET_OPS_KERNELS_WINOGRAD_H
#define RETINANET_OPS_KERNELS_WINOGRAD_H

#include <cstdint>

#include "finish.h"
#include "kernels.h"
#include "vector.h"

namespace rn::cpu::RN_ISA {

// Calls body(first) for vectors that cover [0, channels).
template <class Body>
RN_ALWAYS_INLINE void ForChannels(int64_t channels, const Body& body) {
  constexpr int64_t kLanes = Float::kLanes;
  int64_t first = 0;
  for (; first + kLanes <= channels; first += kLanes) body(first);
  if (first < channels) body(channels - kLanes);
}

// A row of four pixels, and rows of what they are transformed to.
struct WinogradRow {
  Float of[WinogradPatch::kSide];
};

// B^T d B. Rows are taken in an order that leaves the fewest of them in registers.
inline void WinogradPatchOf(const WinogradPatch& patch) {
  constexpr int64_t kSide = WinogradPatch::kSide;
  float* const points = patch.points;
  const int64_t pitch = patch.point_pitch;
  ForChannels(patch.channels, [&](int64_t first) {
    const auto row = [&](int i) {
      const float* const* const pixels = patch.pixels + i * kSide;
      const Float d0 = Load(pixels[0] + first), d1 = Load(pixels[1] + first);
      const Float d2 = Load(pixels[2] + first), d3 = Load(pixels[3] + first);
      return WinogradRow{{d0 - d2, d1 + d2, d2 - d1, d1 - d3}};
    };
    const auto store = [&](int i, int j, Float value) { Store(points + (i * kSide + j) * pitch + first, value); };
    const WinogradRow row0 = row(0), row2 = row(2);
    RN_UNROLL_TILE for (int j = 0; j < kSide; ++j) store(0, j, row0.of[j] - row2.of[j]);
    const WinogradRow row1 = row(1);
    RN_UNROLL_TILE for (int j = 0; j < kSide; ++j) {
      store(1, j, row1.of[j] + row2.of[j]);
      store(2, j, row2.of[j] - row1.of[j]);
    }
    const WinogradRow row3 = row(3);
    RN_UNROLL_TILE for (int j = 0; j < kSide; ++j) store(3, j, row1.of[j] - row3.of[j]);
  });
}

// G g G^T.
inline void WinogradFilterOf(const float* taps, int64_t count, float* points, int64_t point_pitch) {
  constexpr int64_t kSide = WinogradPatch::kSide, kTaps = 3;
  const Float half(0.5f);
  const auto transform = [&](Float g0, Float g1, Float g2, Float(&out)[kSide]) {
    const Float ends = half * (g0 + g2), middle = half * g1;
    out[0] = g0;
    out[1] = ends + middle;
    out[2] = ends - middle;
    out[3] = g2;
  };
  for (int64_t first = 0; first < count; first += Float::kLanes) {
    Float rows[kTaps][kSide];
    RN_UNROLL_TILE for (int i = 0; i < kTaps; ++i) {
      const float* const tap = taps + i * kTaps * count + first;
      transform(Load(tap), Load(tap + count), Load(tap + 2 * count), rows[i]);
    }
    RN_UNROLL_TILE for (int j = 0; j < kSide; ++j) {
      Float column[kSide];
      transform(rows[0][j], rows[1][j], rows[2][j], column);
      RN_UNROLL_TILE for (int i = 0; i < kSide; ++i) {
        Store(points + (i * kSide + j) * point_pitch + first, column[i]);
      }
    }
  }
}

// A^T m A, bias, and what comes after it.
inline void WinogradOutputsOf(const WinogradOutputs& given) {
  constexpr int64_t kSide = WinogradPatch::kSide;
  const WinogradOutputs tile = given;  // which no store changes
  const Finisher finish(tile.finish);
  ForChannels(tile.channels, [&](int64_t first) {
    Float rows[2][kSide];
    RN_UNROLL_TILE for (int j = 0; j < kSide; ++j) {
      const float* const column = tile.points + j * tile.point_pitch + first;
      const int64_t pitch = kSide * tile.point_pitch;
      const Float m0 = Load(column), m1 = Load(column + pitch);
      const Float m2 = Load(column + 2 * pitch), m3 = Load(column + 3 * pitch);
      rows[0][j] = m0 + (m1 + m2);
      rows[1][j] = (m1 - m2) - m3;
    }
    const Float bias = Load(tile.bias + first);
    const auto store = [&](int i, int j, Float value) {
      const int64_t offset = i * tile.row_pitch + j * tile.pixel_pitch + first;
      Store(tile.output + offset, finish(value, offset, [](const float* p) { return Load(p); }));
    };
    RN_UNROLL_TILE for (int i = 0; i < 2; ++i) {
      if (i == tile.rows) break;
      const Float(&row)[kSide] = rows[i];
      store(i, 0, row[0] + (row[1] + row[2]) + bias);
      if (tile.columns > 1) store(i, 1, (row[1] - row[2]) - row[3] + bias);
    }
  });
}

// G y G^T of F(3x3, 2x2), whose patches are those above: with d for the four values of a row of a patch and y for two
// of the gradient, the sums over i of d[i + tap] y[i] are A^T ((G y) (B^T d)), where
//   G = (1 0, 1 1, 1 -1, 0 1),  A^T = (1 1/2 1/2 0, 0 1/2 -1/2 0, 0 1/2 1/2 -1).
inline void WinogradGradsOf(const WinogradGrads& grads) {
  constexpr int64_t kSide = WinogradPatch::kSide;
  ForChannels(grads.filters, [&](int64_t first) {
    const auto store = [&](int i, Float y0, Float y1) {
      float* const out = grads.points + i * kSide * grads.point_pitch + first;
      Store(out, y0);
      Store(out + grads.point_pitch, y0 + y1);
      Store(out + 2 * grads.point_pitch, y0 - y1);
      Store(out + 3 * grads.point_pitch, y1);
    };
    const Float top0 = Load(grads.pixels[0] + first), top1 = Load(grads.pixels[1] + first);
    const Float bottom0 = Load(grads.pixels[2] + first), bottom1 = Load(grads.pixels[3] + first);
    store(0, top0, top1);
    store(1, top0 + bottom0, top1 + bottom1);
    store(2, top0 - bottom0, top1 - bottom1);
    store(3, bottom0, bottom1);
  });
}

// A^T m A.
inline void WinogradTapsOf(const WinogradTaps& taps) {
  constexpr int64_t kSide = WinogradPatch::kSide, kFilterSide = 3;
  const Float half(0.5f);
  const auto transform = [&](Float m0, Float m1, Float m2, Float m3, Float(&out)[kFilterSide]) {
    const Float middle = half * (m1 + m2);
    out[0] = m0 + middle;
    out[1] = half * (m1 - m2);
    out[2] = middle - m3;
  };
  ForChannels(taps.filters, [&](int64_t first) {
    Float rows[kSide][kFilterSide];
    RN_UNROLL_TILE for (int i = 0; i < kSide; ++i) {
      const float* const row = taps.points + i * kSide * taps.point_pitch + first;
      transform(Load(row), Load(row + taps.point_pitch), Load(row + 2 * taps.point_pitch),
                Load(row + 3 * taps.point_pitch), rows[i]);
    }
    RN_UNROLL_TILE for (int j = 0; j < kFilterSide; ++j) {
      Float column[kFilterSide];
      transform(rows[0][j], rows[1][j], rows[2][j], rows[3][j], column);
      RN_UNROLL_TILE for (int i = 0; i < kFilterSide; ++i) {
        Store(taps.output + (i * kFilterSide + j) * taps.tap_pitch + first, column[i]);
      }
    }
  });
}

}  // namespace rn::cpu::RN_ISA

#endif
