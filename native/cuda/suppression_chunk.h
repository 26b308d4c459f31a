// Suppression among the boxes of a chunk: they are compared with each other, then one block goes through them in order.
#ifndef RETINANET_OPS_CUDA_SUPPRESSION_CHUNK_H
#define RETINANET_OPS_CUDA_SUPPRESSION_CHUNK_H

#include "scan.h"
#include "suppression.h"

namespace rn::cuda {

using Bits = unsigned long long;
constexpr int kTile = 64;  // rows, and columns: bits of a word
constexpr int kCollectThreads = 512, kCollectWarps = kCollectThreads / kWarp;
constexpr int kParts = kCollectThreads / kTile;  // threads that share a row
constexpr int32_t kMostRows = 4096;              // of a chunk
constexpr int kWordsOfThread = kMostRows / kTile / kParts;

// The boxes that live, in order: of every set as many as there is room for all.
struct Living {
  const int32_t* counts;  // [sets]
  const Box* boxes;
  const int32_t* classes;  // may be null
  const int32_t* rows;     // which they are; null: their own places
};

struct Chunk {
  int32_t sets, capacity;
  Living living;
  Kept kept;
  float threshold;
  int32_t tiles;           // of rows
  Bits* bits;              // [sets, tiles, tiles, kTile]: of a row, the boxes of a tile before it that it overlaps
  int32_t* survivors;      // [sets, tiles * kTile]: places in the chunk
  int32_t* num_survivors;  // [sets]
  uint32_t* removed;       // [sets, removed_words]: of the boxes after the chunk
  int32_t removed_words;
};

__device__ inline int64_t FirstOf(const Chunk& chunk, int32_t set) {
  return static_cast<int64_t>(set) * chunk.capacity;
}
__device__ inline int32_t RowsOf(const Chunk& chunk) { return chunk.tiles * kTile; }

// A box to compare with others.
struct Measured {
  Box box;
  float area;  // NaN without area: nothing compares with it
  int32_t label;
};
__device__ inline Measured Measure(const Living& living, int64_t at) {
  const Box box = living.boxes[at];
  return {box, HasArea(box) ? Area(box) : NAN, living.classes ? living.classes[at] : 0};
}

// Some that are compared with everything.
struct Tile {
  Box boxes[kTile];
  float areas[kTile];
  int32_t labels[kTile];

  __device__ void Set(int i, const Measured& a) {
    boxes[i] = a.box;
    areas[i] = a.area;
    labels[i] = a.label;
  }
  __device__ bool Overlaps(int i, const Measured& a, float threshold) const {
    return labels[i] == a.label && IouExceeds(boxes[i], areas[i], a.box, a.area, threshold);
  }
};

// A block compares a tile of rows with one of columns that is not after it. Two rows of tiles that have together one
// tile more than the longest follow each other.
static __global__ void CompareTiles(Chunk chunk) {
  RN_SHARED(Tile, columns);
  const int32_t thread = static_cast<int32_t>(threadIdx.x), block = static_cast<int32_t>(blockIdx.x);
  const int64_t all_words = static_cast<int64_t>(chunk.sets) * chunk.removed_words;
  for (int64_t i = static_cast<int64_t>(block) * kTile + thread; i < all_words; i += int64_t{gridDim.x} * kTile) {
    chunk.removed[i] = 0;
  }
  const int32_t set = block % chunk.sets, tiles = chunk.tiles;
  const int32_t pair = block / chunk.sets / (tiles + 1), within = block / chunk.sets % (tiles + 1);
  const bool is_longer = within < tiles - pair;
  const int32_t row_tile = is_longer ? tiles - 1 - pair : pair,
                column_tile = is_longer ? within : within + pair - tiles;
  const int32_t count = min(chunk.living.counts[set], RowsOf(chunk));
  if (row_tile * kTile >= count || (!is_longer && tiles - 1 - pair == pair)) return;  // the whole block

  const int32_t row = row_tile * kTile + thread, column = column_tile * kTile + thread;
  columns.Set(thread, column < count ? Measure(chunk.living, FirstOf(chunk, set) + column) : Measured{{}, NAN, 0});
  __syncthreads();
  if (row >= count) return;
  const Measured mine = Measure(chunk.living, FirstOf(chunk, set) + row);
  Bits overlaps = 0;
  for (int i = 0; i < kTile; ++i) overlaps |= static_cast<Bits>(columns.Overlaps(i, mine, chunk.threshold)) << i;
  if (row_tile == column_tile) overlaps &= (Bits{1} << thread) - 1;
  const int64_t tile = (static_cast<int64_t>(set) * tiles + row_tile) * tiles + column_tile;
  chunk.bits[tile * kTile + thread] = overlaps;
}

// Which of the boxes that live survive the others of their tile, by one warp. `before` are the boxes before the
// caller's two rows that they overlap. In each round every box is decided whose earlier boxes are: few rounds, one at
// least.
__device__ inline Bits Survivors(Bits alive, const Bits (&before)[2]) {
  Bits kept = 0;
  while (alive != 0) {
    Bits decided = 0, newly_kept = 0;
    for (int half = 0; half < 2; ++half) {
      const bool lives = alive >> (half * kWarp + Lane()) & 1;
      const bool dies = (before[half] & kept) != 0, stays = (before[half] & (kept | alive)) == 0;
      decided |= static_cast<Bits>(__ballot_sync(kAllLanes, lives && (dies || stays))) << (half * kWarp);
      newly_kept |= static_cast<Bits>(__ballot_sync(kAllLanes, lives && stays)) << (half * kWarp);
    }
    kept |= newly_kept;
    alive &= ~decided;
  }
  return kept;
}

// A tile's words, loaded before they are needed: a thread's share of a row, and the diagonal's two rows of a lane.
struct Words {
  Bits of_row[kWordsOfThread], of_diagonal[2];
};
__device__ inline void LoadWords(const Chunk& chunk, int32_t set, int32_t tile, int32_t count, Words& words) {
  const int32_t thread = static_cast<int32_t>(threadIdx.x), row = thread % kTile;
  const Bits* bits = chunk.bits + (static_cast<int64_t>(set) * chunk.tiles + tile) * chunk.tiles * kTile;
  for (int k = 0; k < kWordsOfThread; ++k) {
    const int32_t word = thread / kTile + k * kParts;
    words.of_row[k] = word < tile && tile * kTile + row < count ? bits[word * kTile + row] : 0;
  }
  for (int half = 0; half < 2; ++half) {
    const int32_t of_lane = half * kWarp + Lane();
    const bool is_there = WarpOfBlock() == 0 && tile * kTile + of_lane < count;
    words.of_diagonal[half] = is_there ? bits[tile * kTile + of_lane] : 0;
  }
}

// One set a block, tile after tile.
static __global__ void Collect(Chunk chunk) {
  struct Progress {
    Bits kept[kMostRows / kTile];  // of the tiles that are done
    uint32_t removed[kCollectWarps];
  };
  RN_SHARED(Progress, progress);
  const int32_t set = static_cast<int32_t>(blockIdx.x);
  const int32_t count = min(chunk.living.counts[set], RowsOf(chunk));
  if (count == 0) return;
  const int32_t* living_rows = chunk.living.rows ? chunk.living.rows + FirstOf(chunk, set) : nullptr;
  int32_t* rows = chunk.kept.rows + static_cast<int64_t>(set) * chunk.kept.most;
  int32_t* survivors = chunk.survivors + static_cast<int64_t>(set) * RowsOf(chunk);
  const int32_t kept_before = chunk.kept.counts[set];
  int32_t found = 0;
  Words words;
  LoadWords(chunk, set, 0, count, words);
  for (int32_t tile = 0; tile * kTile < count && kept_before + found < chunk.kept.most; ++tile) {
    Bits hits = 0;
    for (int k = 0; k < kWordsOfThread; ++k) {
      const int32_t word = static_cast<int32_t>(threadIdx.x) / kTile + k * kParts;
      if (word < tile) hits |= words.of_row[k] & progress.kept[word];
    }
    const Bits diagonal[2] = {words.of_diagonal[0], words.of_diagonal[1]};
    LoadWords(chunk, set, tile + 1, count, words);
    const uint32_t removed = __ballot_sync(kAllLanes, hits != 0);
    if (Lane() == 0) progress.removed[WarpOfBlock()] = removed;
    __syncthreads();
    if (WarpOfBlock() == 0) {
      Bits alive = count - tile * kTile < kTile ? (Bits{1} << (count - tile * kTile)) - 1 : ~Bits{0};
      for (int warp = 0; warp < kCollectWarps; ++warp) {
        alive &= ~(static_cast<Bits>(progress.removed[warp]) << (warp % 2 * kWarp));
      }
      const Bits kept = Survivors(alive, diagonal);
      if (Lane() == 0) progress.kept[tile] = kept;
      for (int half = 0; half < 2; ++half) {
        const int of_lane = half * kWarp + Lane();
        if (!(kept >> of_lane & 1)) continue;
        const int32_t at = found + __popcll(kept & ((Bits{1} << of_lane) - 1)), row = tile * kTile + of_lane;
        survivors[at] = row;
        if (kept_before + at < chunk.kept.most) rows[kept_before + at] = living_rows ? living_rows[row] : row;
      }
    }
    __syncthreads();
    found += __popcll(progress.kept[tile]);
  }
  if (threadIdx.x == 0) {
    chunk.num_survivors[set] = found;
    chunk.kept.counts[set] = min(kept_before + found, chunk.kept.most);
  }
}

}  // namespace rn::cuda

#endif
