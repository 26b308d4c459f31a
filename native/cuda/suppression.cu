// Greedy suppression in chunks: the first of the boxes that live are compared with each other in tiles of 64 by 64, one
// bit per pair; one block goes through them in order and collects what survives; the boxes after them are compared with
// the survivors; and those that still live move together, to be the next chunk. So the bits take bounded memory, and
// what is removed takes no time of later chunks.
#include "suppression_chunk.h"

namespace rn::cuda {
namespace {

constexpr int32_t kFewestRows = 256;              // of a chunk that is to find few
constexpr int64_t kMostWords = int64_t{1} << 22;  // of bits, all sets together: 32 MiB
constexpr int kSweepThreads = 128, kMoveThreads = 256;

struct NextLiving {
  int32_t* counts;
  Box* boxes;
  int32_t *classes, *rows;
};

// How many boxes after the chunk have to be compared with its survivors.
__device__ inline int32_t CountAfter(const Chunk& chunk, int32_t set) {
  const int32_t after = chunk.living.counts[set] - RowsOf(chunk);
  return after > 0 && chunk.kept.counts[set] < chunk.kept.most ? after : 0;
}

// Compares the boxes after the chunk, one a thread, with its survivors, a tile at a time. A set's blocks take turns.
__global__ void Sweep(Chunk chunk) {
  RN_SHARED(Tile, tile);
  const int32_t set = static_cast<int32_t>(blockIdx.x) % chunk.sets, thread = static_cast<int32_t>(threadIdx.x);
  const int32_t after = CountAfter(chunk, set);
  if (after == 0) return;
  const int32_t num_survivors = chunk.num_survivors[set];
  const int32_t* survivors = chunk.survivors + static_cast<int64_t>(set) * RowsOf(chunk);
  uint32_t* removed = chunk.removed + static_cast<int64_t>(set) * chunk.removed_words;
  const int64_t first = FirstOf(chunk, set);
  const int32_t across = (after + kSweepThreads - 1) / kSweepThreads, down = (num_survivors + kTile - 1) / kTile;
  const int32_t blocks = static_cast<int32_t>(gridDim.x) / chunk.sets;
  for (int32_t i = static_cast<int32_t>(blockIdx.x) / chunk.sets; i < across * down; i += blocks) {
    const int32_t first_survivor = i / across * kTile, column = i % across * kSweepThreads + thread;
    __syncthreads();  // the tile before is done with
    if (thread < kTile) {
      const bool is_one = first_survivor + thread < num_survivors;
      tile.Set(thread,
               is_one ? Measure(chunk.living, first + survivors[first_survivor + thread]) : Measured{{}, NAN, 0});
    }
    __syncthreads();
    const bool lives = column < after && !(atomicOr(removed + column / kWarp, 0u) >> Lane() & 1);
    if (!__any_sync(kAllLanes, lives)) continue;
    bool is_hit = false;
    if (lives) {
      const Measured mine = Measure(chunk.living, first + RowsOf(chunk) + column);
      for (int k = 0; k < kTile; ++k) is_hit |= tile.Overlaps(k, mine, chunk.threshold);
    }
    const uint32_t hits = __ballot_sync(kAllLanes, is_hit);
    if (Lane() == 0 && hits != 0) atomicOr(removed + column / kWarp, hits);
  }
}

// Moves together what lives after the chunk. A block counts for itself what lives before its boxes.
__global__ void Move(Chunk chunk, NextLiving next) {
  RN_SHARED(BlockSums<int32_t>, sums);
  const int32_t set = static_cast<int32_t>(blockIdx.x) % chunk.sets, thread = static_cast<int32_t>(threadIdx.x);
  const int32_t first_column = static_cast<int32_t>(blockIdx.x) / chunk.sets * kMoveThreads,
                column = first_column + thread;
  const int32_t after = CountAfter(chunk, set);
  if (first_column == 0 && after == 0 && thread == 0) next.counts[set] = 0;
  if (first_column >= after) return;  // the whole block
  const uint32_t* removed = chunk.removed + static_cast<int64_t>(set) * chunk.removed_words;
  int32_t before = 0, here = 0;
  for (int32_t word = thread; word < first_column / kWarp; word += kMoveThreads) before += __popc(~removed[word]);
  SumBefore(before, sums, before);
  const bool lives = column < after && !(removed[column / kWarp] >> Lane() & 1);
  const int32_t rank = before + SumBefore(static_cast<int32_t>(lives), sums, here);
  if (thread == 0 && first_column + kMoveThreads >= after) next.counts[set] = before + here;
  if (!lives) return;
  const int64_t from = FirstOf(chunk, set) + RowsOf(chunk) + column, to = FirstOf(chunk, set) + rank;
  next.boxes[to] = chunk.living.boxes[from];
  if (next.classes) next.classes[to] = chunk.living.classes[from];
  next.rows[to] = chunk.living.rows ? chunk.living.rows[from] : RowsOf(chunk) + column;
}

// Room for the boxes that live, and for those of the next chunk.
struct Room {
  Room(Device& device, const SortedBoxes& sorted, bool needed)
      : all(needed ? int64_t{sorted.sets} * sorted.capacity : 0),
        counts(device, needed ? sorted.sets : 0),
        boxes(device, all),
        classes(device, sorted.classes ? all : 0),
        rows(device, all) {}
  NextLiving ToWrite() const { return {counts.get(), boxes.get(), classes.get(), rows.get()}; }
  Living ToRead() const { return {counts.get(), boxes.get(), classes.get(), rows.get()}; }

  int64_t all;
  Scratch<int32_t> counts;
  Scratch<Box> boxes;
  Scratch<int32_t> classes, rows;
};

}  // namespace

void QueueSuppression(Device& device, const SortedBoxes& sorted, double iou_threshold, const Kept& kept) {
  const int64_t sets = sorted.sets;
  if (sets == 0) return;
  RN_CUDA(cudaMemsetAsync(kept.counts, 0, static_cast<size_t>(sets) * sizeof *kept.counts, device.stream));
  if (kept.most == 0) return;
  // Tiles of rows: enough for twice what is asked for at first, later more.
  const int64_t needed = DivideUp(sorted.capacity, kTile);
  int64_t most_tiles = std::min<int64_t>(needed, kMostRows / kTile);
  while (most_tiles > 1 && sets * most_tiles * most_tiles * kTile > kMostWords) --most_tiles;
  int64_t tiles = DivideUp(std::max<int64_t>(kFewestRows, 2 * int64_t{kept.most}), kTile);
  const int32_t removed_words = static_cast<int32_t>(DivideUp(sorted.capacity, kWarp));
  Scratch<Bits> bits(device, sets * most_tiles * most_tiles * kTile);
  Scratch<int32_t> survivors(device, sets * most_tiles * kTile), num_survivors(device, sets);
  Scratch<uint32_t> removed(device, sets * removed_words);
  const bool is_one = std::min(tiles, most_tiles) == needed;
  const Room rooms[2] = {{device, sorted, !is_one}, {device, sorted, !is_one}};
  Living living{sorted.counts, sorted.boxes, sorted.classes, nullptr};
  int64_t left = sorted.capacity;  // at most
  for (int turn = 0; left > 0; turn = 1 - turn) {
    tiles = std::min(tiles, most_tiles);
    const Chunk chunk{sorted.sets,
                      sorted.capacity,
                      living,
                      kept,
                      RoundDown(iou_threshold),
                      static_cast<int32_t>(tiles),
                      bits.get(),
                      survivors.get(),
                      num_survivors.get(),
                      removed.get(),
                      removed_words};
    Launch(device, sets * DivideUp(tiles, 2) * (tiles + 1), kTile, CompareTiles, chunk);
    Launch(device, sets, kCollectThreads, Collect, chunk);
    left -= tiles * kTile;
    if (left <= 0) break;
    const int64_t pieces = DivideUp(left, kSweepThreads) * tiles;
    Launch(device, sets * std::max<int64_t>(1, ResidentBlocks(device, kSweepThreads, Sweep, sets * pieces) / sets),
           kSweepThreads, Sweep, chunk);
    Launch(device, sets * DivideUp(left, kMoveThreads), kMoveThreads, Move, chunk, rooms[turn].ToWrite());
    living = rooms[turn].ToRead();
    tiles *= 4;
  }
}

}  // namespace rn::cuda
