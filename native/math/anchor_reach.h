// Which cells of a grid level can hold an anchor whose float32 overlap with a box reaches a demand: a rectangle of
// cells, often empty, that leaves none out.
//
// Let u = 2^-24, so that a float32 operation is off by at most u of its result. A level's centres c = (i + offset)
// * stride, 0 <= offset <= 1, and half sizes h have magnitudes whose sum is at most M; e = 4 u M is the margin.
// 1. A corner of an anchor is the float32 of (the float32 of c) -+ h. Both roundings together are less than e.
// 2. Along one axis let w = min(c + h, x2) - max(c - h, x1), the overlap without rounding. As the box's corners are
//    float32 themselves, the float32 overlap is at most (w + 2 e) (1 + u); it is also at most (2 h + 2 e) (1 + u) and
//    (x2 - x1) (1 + u). The anchor's float32 side is at least (2 h - 2 e) (1 - u), its float32 area A at least the
//    product of two such sides times 1 - u.
// 3. Let the float32 quotient I / ((A + B) - I) be at least t > 0, I being the float32 intersection and B the box's
//    float32 area. Undoing quotient, difference and sum: I >= t (1 - u) / (1 + u) * ((A + B) (1 - u) - I), hence
//    I >= t / (1 + t) * (1 - 4 u) * (A + B). Likewise a quotient I / A >= t needs I >= t (1 - u) A. I itself is at most
//    the product of the float32 overlaps times 1 + u.
//    So the overlaps' product reaches t / (1 + t) * (1 - 8 u) * (area + B) = `need`, area being that of the sides
//    2 h - 2 e, never below zero. Demands take 1 - 16 u instead, which leaves 8 u for what follows.
// 4. With W and H the largest overlaps of (2), a shape with W H < need reaches the demand nowhere. Elsewhere the
//    horizontal overlap must be at least need / H. By (2) then w >= need / H - 2 e =: q, which says that
//    x1 + q - h <= c <= x2 - q + h. A third e stands for the float64 roundings here, 2^-28 times smaller: they are
//    relative to M where x1 and x2 are within a few M, and where they are further off all cells lie to one side.
// Underflow: an anchor's float32 side is zero, and with it every overlap, or at least 2^-30, because half sizes are at
// least 2^-24. With t >= 2^-40 what is needed is then a normal number; smaller thresholds count as zero.
#ifndef RETINANET_OPS_MATH_ANCHOR_REACH_H
#define RETINANET_OPS_MATH_ANCHOR_REACH_H

#include <cstdint>

#include "anchor_grid.h"
#include "box.h"

namespace rn {

// Half-open.
struct CellRange {
  int32_t first_row, end_row, first_column, end_column;
};

// An intersection must be at least by_anchor * (area of the anchor) + fixed.
struct OverlapDemand {
  double by_anchor, fixed;
};

constexpr float kSmallestShare = 0x1p-40f;
constexpr double kFar = 1e300;  // beyond every inset and area

// IoU >= iou, or the boxes overlapping at all where that is about zero.
RN_HD OverlapDemand DemandOfIou(float iou, float box_area) {
  if (!(iou >= kSmallestShare)) return {0, 0};
  const double share = static_cast<double>(iou) / (1 + static_cast<double>(iou)) * (1 - 0x1p-20);
  return {share, share * static_cast<double>(box_area)};
}

// At least this share of the anchor lies in the box, or they overlap at all where that is about zero.
RN_HD OverlapDemand DemandOfShare(float share) {
  if (!(share >= kSmallestShare)) return {0, 0};
  return {static_cast<double>(share) * (1 - 0x1p-20), 0};
}

struct AnchorLevel {
  CellAxis rows, columns;
  const float* half_sizes;  // [shapes, 2]
  int64_t shapes;
  double slack;                  // 2 e
  double least_area, most_area;  // of its anchors, as far as rounding may take them
};

RN_HD double Least(double a, double b) { return b < a ? b : a; }
RN_HD double Most(double a, double b) { return b > a ? b : a; }

RN_HD AnchorLevel MakeAnchorLevel(const CellAxis& rows, const CellAxis& columns, const float* half_sizes,
                                  int64_t shapes) {
  double largest = 0;
  for (int64_t i = 0; i < 2 * shapes; ++i) largest = Most(largest, static_cast<double>(half_sizes[i]));
  const double extent =
      Most(static_cast<double>(rows.cells) * rows.stride, static_cast<double>(columns.cells) * columns.stride);
  AnchorLevel level{rows, columns, half_sizes, shapes, 2 * 0x1p-22 * (extent + largest), kFar, 0};
  for (int64_t s = 0; s < shapes; ++s) {
    const double width2 = 2 * static_cast<double>(half_sizes[2 * s]);
    const double height2 = 2 * static_cast<double>(half_sizes[2 * s + 1]);
    level.least_area = Least(level.least_area, Most(width2 - level.slack, 0) * Most(height2 - level.slack, 0));
    level.most_area = Most(level.most_area, (width2 + level.slack) * (height2 + level.slack));
  }
  return level;
}

// The first cell whose centre is at `from` or beyond, of [0, cells]; NaN gives some cell.
RN_HD int32_t FirstCell(double from, const CellAxis& axis) {
  const double at = from / axis.stride - axis.offset;
  if (!(at > 0)) return 0;
  if (at >= static_cast<double>(axis.cells)) return static_cast<int32_t>(axis.cells);
  const int32_t cell = static_cast<int32_t>(at);
  return static_cast<double>(cell) < at ? cell + 1 : cell;
}

// One past the last cell whose centre is at `to` or before.
RN_HD int32_t EndCell(double to, const CellAxis& axis) {
  const double at = to / axis.stride + (1 - axis.offset);
  if (!(at > 0)) return 0;
  return at >= static_cast<double>(axis.cells) ? static_cast<int32_t>(axis.cells) : static_cast<int32_t>(at);
}

RN_HD CellRange CellsInReach(const AnchorLevel& level, const Box& box, const OverlapDemand& demand) {
  const double box_width = static_cast<double>(box.x2) - static_cast<double>(box.x1);
  const double box_height = static_cast<double>(box.y2) - static_cast<double>(box.y1);
  const CellRange none{0, 0, 0, 0};
  // (4) for all shapes at once: most boxes are too small or too large for a level.
  if (!(demand.by_anchor * level.least_area + demand.fixed <= Least(box_width * box_height, level.most_area))) {
    return none;
  }
  // The least q - h of any shape: how far inside the box's sides centres lie at least.
  double inset_x = kFar, inset_y = kFar;
  for (int64_t s = 0; s < level.shapes; ++s) {
    const double half_width = static_cast<double>(level.half_sizes[2 * s]);
    const double half_height = static_cast<double>(level.half_sizes[2 * s + 1]);
    const double area = Most(2 * half_width - level.slack, 0) * Most(2 * half_height - level.slack, 0);
    const double need = demand.by_anchor * area + demand.fixed;
    const double widest = Least(2 * half_width + level.slack, box_width);
    const double highest = Least(2 * half_height + level.slack, box_height);
    if (!(need <= widest * highest)) continue;
    inset_x = Least(inset_x, need / highest - 1.5 * level.slack - half_width);
    inset_y = Least(inset_y, need / widest - 1.5 * level.slack - half_height);
  }
  if (!(inset_x < kFar)) return none;
  const CellRange range{FirstCell(static_cast<double>(box.y1) + inset_y, level.rows),
                        EndCell(static_cast<double>(box.y2) - inset_y, level.rows),
                        FirstCell(static_cast<double>(box.x1) + inset_x, level.columns),
                        EndCell(static_cast<double>(box.x2) - inset_x, level.columns)};
  return range.first_row < range.end_row && range.first_column < range.end_column ? range : none;
}

}  // namespace rn

#endif
