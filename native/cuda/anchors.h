// Anchors as kernels see them: a list of boxes, or a grid whose boxes are computed where they are needed; and how a
// block of threads finds the few anchors that can matter to a box.
#ifndef RETINANET_OPS_CUDA_ANCHORS_H
#define RETINANET_OPS_CUDA_ANCHORS_H

#include <vector>

#include "../math/anchor_grid.h"
#include "../math/anchor_reach.h"
#include "arrays.h"
#include "launch.h"

namespace rn::cuda {

// The anchors of one shape on one level: that of a cell is anchor `first` + (row * width + column) * (shapes per cell).
struct Lattice {
  AnchorLevel level;  // of one shape; its pointer to the half size is left empty
  float half_size[2];
  int32_t first;
};

// kWarp anchors of a list that follow each other, or kWarp such groups. `bounds` is around all anchors that have area,
// and empty if none has.
struct Group {
  Box bounds;
  float least_area, most_area;
};
constexpr int kAnchorsOfCluster = kWarp * kWarp;
inline int64_t CountGroups(int64_t anchors) { return DivideUp(anchors, kWarp) + DivideUp(anchors, kAnchorsOfCluster); }

// Cells of a lattice.
struct Patch {
  int32_t source;
  CellRange cells;
};

// Passed to kernels by value.
struct Anchors {
  int32_t count;
  int32_t sources;          // lattices or groups
  const float* boxes;       // [count, 4] of a list, null for a grid
  const Group* groups;      // of a list, where boxes look for anchors: the sources, then clusters of kWarp of them
  const Lattice* lattices;  // of a grid, levels from outside to inside shapes
  int32_t shapes;           // a cell
};

// The lattices of a grid, to be copied to the device; none for a list.
inline std::vector<Lattice> LatticesOf(const rn_anchors& anchors) {
  std::vector<Lattice> lattices;
  for (int64_t l = 0; !anchors.boxes && l < anchors.num_levels; ++l) {
    const rn_grid_level& level = anchors.levels[l];
    for (int64_t s = 0; s < anchors.anchors_per_cell; ++s) {
      const float* half_size = level.half_sizes + 2 * s;
      Lattice lattice{MakeAnchorLevel({level.height, level.stride_y, level.center_offset},
                                      {level.width, level.stride_x, level.center_offset}, half_size, 1),
                      {half_size[0], half_size[1]},
                      static_cast<int32_t>(level.first_anchor + s)};
      lattice.level.half_sizes = nullptr;
      lattices.push_back(lattice);
    }
  }
  return lattices;
}

// Anchors whose boxes or lattices are in device memory already.
inline Anchors AnchorsOf(const rn_anchors& anchors, const float* boxes, const Lattice* lattices) {
  const int32_t count = static_cast<int32_t>(anchors.count), shapes = static_cast<int32_t>(anchors.anchors_per_cell);
  if (boxes) return {count, static_cast<int32_t>(DivideUp(count, kWarp)), boxes, nullptr, nullptr, 0};
  return {count, static_cast<int32_t>(anchors.num_levels) * shapes, nullptr, nullptr, lattices, shapes};
}

inline Anchors AnchorsOf(Arrays& arrays, const rn_anchors& anchors) {
  const std::vector<Lattice> lattices = LatticesOf(anchors);
  return AnchorsOf(anchors, arrays.In(anchors.boxes, 4 * anchors.count),
                   arrays.FromHost(lattices.data(), static_cast<int64_t>(lattices.size())));
}

__device__ inline Box AnchorAt(const Lattice& lattice, int32_t row, int32_t column) {
  return rn::AnchorAt(CellCenter(column, lattice.level.columns), CellCenter(row, lattice.level.rows),
                      lattice.half_size);
}

// The anchor of the cell that has a point, or of the nearest that there is.
__device__ inline Box AnchorNear(const Lattice& lattice, float x, float y) {
  const auto cell = [](float at, const CellAxis& axis) {
    return max(FirstCell(static_cast<double>(at) + axis.stride / 2, axis) - 1, 0);
  };
  return AnchorAt(lattice, cell(y, lattice.level.rows), cell(x, lattice.level.columns));
}

__device__ inline Box AnchorAt(const Anchors& anchors, int32_t index) {
  if (anchors.boxes) return LoadBox(anchors.boxes + 4 * static_cast<int64_t>(index));
  const Lattice* level = anchors.lattices;
  const Lattice* last = level + anchors.sources - anchors.shapes;
  while (level < last && level[anchors.shapes].first <= index) level += anchors.shapes;
  const uint32_t within = static_cast<uint32_t>(index - level->first), shapes = static_cast<uint32_t>(anchors.shapes);
  const uint32_t cell = within / shapes, width = static_cast<uint32_t>(level->level.columns.cells);
  return AnchorAt(level[within - cell * shapes], static_cast<int32_t>(cell / width),
                  static_cast<int32_t>(cell % width));
}

// Whether a group's anchors can meet the demand. Rounding is monotonic: no anchor's intersection with the box exceeds
// that of the bounds, or its own area.
__device__ inline bool InReach(const Group& group, const Box& box, const OverlapDemand& demand) {
  const double need = demand.by_anchor * static_cast<double>(group.least_area) + demand.fixed;
  const float inter = Intersection(group.bounds, box);
  return need <= static_cast<double>(Min(inter, group.most_area)) && (inter > 0 || need < 0);
}

// For a block of kThreads threads: what its threads found, for its warps to visit.
constexpr int kClustersAtOnce = 256, kGroupsAtOnce = 32 * kWarp;
template <int kThreads>
struct SearchQueue {
  union {
    Patch patches[kThreads];
    int32_t groups[kGroupsAtOnce];
  };
  int32_t clusters[kClustersAtOnce];
  int32_t count, cluster_count;
};

// A lattice a thread, then a patch a warp.
template <int kThreads, class Visit>
__device__ void ForEachOfGrid(const Anchors& anchors, const Box& box, const OverlapDemand& demand,
                              SearchQueue<kThreads>& queue, const Visit& visit) {
  const int32_t thread = static_cast<int32_t>(threadIdx.x), lane = thread % kWarp;
  for (int32_t first_source = 0; first_source < anchors.sources; first_source += kThreads) {
    if (thread == 0) queue.count = 0;
    __syncthreads();
    if (first_source + thread < anchors.sources) {
      const Lattice& lattice = anchors.lattices[first_source + thread];
      AnchorLevel level = lattice.level;
      level.half_sizes = lattice.half_size;
      level.shapes = 1;
      const CellRange cells = CellsInReach(level, box, demand);
      if (cells.first_column < cells.end_column) {
        queue.patches[atomicAdd(&queue.count, 1)] = {first_source + thread, cells};
      }
    }
    __syncthreads();
    for (int32_t i = thread / kWarp; i < queue.count; i += kThreads / kWarp) {
      const Patch patch = queue.patches[i];
      const Lattice& lattice = anchors.lattices[patch.source];
      const uint32_t columns = static_cast<uint32_t>(patch.cells.end_column - patch.cells.first_column);
      const uint32_t rows = static_cast<uint32_t>(patch.cells.end_row - patch.cells.first_row);
      const int32_t width = static_cast<int32_t>(lattice.level.columns.cells);
      for (uint32_t first = 0; first < rows * columns; first += kWarp) {
        const uint32_t cell = first + static_cast<uint32_t>(lane);
        const int32_t row = patch.cells.first_row + static_cast<int32_t>(cell / columns);
        const int32_t column = patch.cells.first_column + static_cast<int32_t>(cell % columns);
        visit(cell < rows * columns, lattice.first + (row * width + column) * anchors.shapes,
              AnchorAt(lattice, row, column));
      }
    }
    __syncthreads();
  }
}

// A cluster a thread, a group in one of those in reach a thread, then a group in reach a warp.
template <int kThreads, class Visit>
__device__ void ForEachOfList(const Anchors& anchors, const Box& box, const OverlapDemand& demand,
                              SearchQueue<kThreads>& queue, const Visit& visit) {
  const int32_t thread = static_cast<int32_t>(threadIdx.x), lane = thread % kWarp, warp = thread / kWarp;
  const int32_t sources = anchors.sources, clusters = (sources + kWarp - 1) / kWarp;
  for (int32_t first_cluster = 0; first_cluster < clusters; first_cluster += kClustersAtOnce) {
    if (thread == 0) queue.cluster_count = 0;
    __syncthreads();
    const int32_t end = min(first_cluster + kClustersAtOnce, clusters);
    for (int32_t cluster = first_cluster + thread; cluster < end; cluster += kThreads) {
      if (InReach(anchors.groups[sources + cluster], box, demand)) {
        queue.clusters[atomicAdd(&queue.cluster_count, 1)] = cluster;
      }
    }
    __syncthreads();
    const int32_t found = queue.cluster_count;
    for (int32_t first = 0; first < found; first += kGroupsAtOnce / kWarp) {
      if (thread == 0) queue.count = 0;
      __syncthreads();
      for (int32_t i = first + warp; i < min(first + kGroupsAtOnce / kWarp, found); i += kThreads / kWarp) {
        const int32_t group = queue.clusters[i] * kWarp + lane;
        if (group < sources && InReach(anchors.groups[group], box, demand)) {
          queue.groups[atomicAdd(&queue.count, 1)] = group;
        }
      }
      __syncthreads();
      for (int32_t i = warp; i < queue.count; i += kThreads / kWarp) {
        const int32_t index = queue.groups[i] * kWarp + lane;
        const bool there = index < anchors.count;
        visit(there, index, there ? LoadBox(anchors.boxes + 4 * static_cast<int64_t>(index)) : Box{});
      }
      __syncthreads();
    }
    __syncthreads();
  }
}

// Calls visit(there, index, anchor), from some thread each, for all anchors that can meet the demand, and some others.
// The lanes of a warp call it together, those that have no anchor as well: for them it's not there.
template <int kThreads, class Visit>
__device__ void ForEachInReach(const Anchors& anchors, const Box& box, const OverlapDemand& demand,
                               SearchQueue<kThreads>& queue, const Visit& visit) {
  if (anchors.boxes) {
    ForEachOfList(anchors, box, demand, queue, visit);
  } else {
    ForEachOfGrid(anchors, box, demand, queue, visit);
  }
}

}  // namespace rn::cuda

#endif
