// A transposed copy of a matrix.
#ifndef RETINANET_OPS_CPU_TRANSPOSE_H
#define RETINANET_OPS_CPU_TRANSPOSE_H

#include <algorithm>
#include <cstdint>

#if defined(RN_X86)
#include <xmmintrin.h>
#endif

namespace rn::cpu {

// to[row * to_pitch + column] = from[column * from_pitch + row] for four rows and columns.
inline void TransposeFour(const float* from, int64_t from_pitch, float* to, int64_t to_pitch) {
#if defined(RN_X86)
  __m128 a = _mm_loadu_ps(from), b = _mm_loadu_ps(from + from_pitch);
  __m128 c = _mm_loadu_ps(from + 2 * from_pitch), d = _mm_loadu_ps(from + 3 * from_pitch);
  _MM_TRANSPOSE4_PS(a, b, c, d);
  _mm_storeu_ps(to, a);
  _mm_storeu_ps(to + to_pitch, b);
  _mm_storeu_ps(to + 2 * to_pitch, c);
  _mm_storeu_ps(to + 3 * to_pitch, d);
#else
  for (int64_t row = 0; row < 4; ++row) {
    for (int64_t column = 0; column < 4; ++column) to[row * to_pitch + column] = from[column * from_pitch + row];
  }
#endif
}

// The same of any number, in squares of whole lines of the cache: lines that lie a power of two apart would drive each
// other out of it.
inline void Transpose(const float* from, int64_t from_pitch, int64_t rows, int64_t columns, float* to,
                      int64_t to_pitch) {
  constexpr int64_t kSide = 16, kFour = 4;
  for (int64_t top = 0; top < rows; top += kSide) {
    const int64_t bottom = std::min(rows, top + kSide);
    for (int64_t column = 0; column < columns; column += kFour) {
      for (int64_t row = top; row < bottom; row += kFour) {
        const float* const source = from + column * from_pitch + row;
        float* const target = to + row * to_pitch + column;
        if (row + kFour <= rows && column + kFour <= columns) {
          TransposeFour(source, from_pitch, target, to_pitch);
          continue;
        }
        for (int64_t i = 0; i < std::min(kFour, rows - row); ++i) {
          for (int64_t j = 0; j < std::min(kFour, columns - column); ++j) {
            target[i * to_pitch + j] = source[j * from_pitch + i];
          }
        }
      }
    }
  }
}

}  // namespace rn::cpu

#endif
