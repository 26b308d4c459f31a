// Non-maximum suppression: torchvision.ops.nms, and batched_nms without its coordinate offsets. Boxes are compared in
// tiles of 64 by 64, one bit per pair; then one block goes through the rows in order and collects what survives. This
// is done for a chunk of rows at a time: the bits take bounded memory, and later chunks compare only what still lives.
#include "../math/falling_key.h"
#include "arrays.h"
#include "cuda_backend.h"
#include "nms.h"
#include "scan.h"
#include "sort.h"

namespace rn::cuda {
namespace {

using Bits = unsigned long long;
constexpr int kTile = 64;   // rows, and columns: bits of a word
constexpr int kDense = 44;  // columns of a tile: to find one of so many costs more than to compare those between
constexpr int kCollectThreads = 512;
constexpr int64_t kMostWords = int64_t{1} << 22;  // of bits at a time: 32 MiB
constexpr int32_t kMostRows = 4096;               // of a chunk

struct Chunk {
  SortedBoxes sorted;
  Kept kept;
  float threshold;
  int32_t first_row, rows;    // multiples of kTile
  int32_t first_word, words;  // columns from first_row on; of all of a set
  Bits* removed;              // [sets, words]
  Bits* bits;                 // [sets, rows, words - first_word]: the boxes that a row overlaps
};

// Whether there is anything left to do in the chunk.
__device__ inline bool IsOpen(const Chunk& chunk, int32_t set) {
  return chunk.first_row < chunk.sorted.counts[set] && chunk.kept.counts[set] < chunk.kept.most;
}

// A block compares a tile of rows with one of columns. Rows that are removed already are left out, and columns where
// that saves enough: late tiles, of which little is left, take little. On the diagonal a word tells the boxes after the
// row, which it removes, and those before it, which remove it: overlap is symmetric.
__global__ void CompareTiles(Chunk chunk) {
  struct Columns {
    Box boxes[kTile];
    float areas[kTile];
    int32_t classes[kTile];
  };
  RN_SHARED(Columns, columns);
  const int32_t across = chunk.words - chunk.first_word, tiles = chunk.rows / kTile;
  const int32_t word = static_cast<int32_t>(blockIdx.x) % across, rest = static_cast<int32_t>(blockIdx.x) / across;
  const int32_t tile = rest % tiles, set = rest / tiles, thread = static_cast<int32_t>(threadIdx.x);
  const int32_t count = chunk.sorted.counts[set];
  const int32_t first_row = chunk.first_row + tile * kTile, first_column = (chunk.first_word + word) * kTile;
  if (first_column < first_row || first_column >= count || !IsOpen(chunk, set)) return;  // the whole block

  const Box* boxes = chunk.sorted.boxes + static_cast<int64_t>(set) * chunk.sorted.capacity;
  const int32_t* classes = chunk.sorted.classes;
  if (classes) classes += static_cast<int64_t>(set) * chunk.sorted.capacity;
  const int32_t column = first_column + thread, row = first_row + thread;
  // A box without area overlaps nothing: nothing compares with a NaN.
  const auto area_of = [](const Box& box) { return HasArea(box) ? Area(box) : NAN; };
  if (column < count) {
    columns.boxes[thread] = boxes[column];
    columns.areas[thread] = area_of(boxes[column]);
    columns.classes[thread] = classes ? classes[column] : 0;
  } else {
    columns.boxes[thread] = Box{};
    columns.areas[thread] = NAN;
    columns.classes[thread] = 0;
  }
  __syncthreads();
  const Bits* removed = chunk.removed + static_cast<int64_t>(set) * chunk.words;
  if (row >= count || (removed[row / kTile] >> thread & 1)) return;
  const Box box = boxes[row];
  const float area = area_of(box);
  const int32_t label = classes ? classes[row] : 0;
  const auto overlap_with = [&](int i) {
    const bool does =
        columns.classes[i] == label && IouExceeds(columns.boxes[i], columns.areas[i], box, area, chunk.threshold);
    return static_cast<Bits>(does) << i;
  };
  Bits overlaps = 0;
  Bits left = ~removed[first_column / kTile];
  if (__popcll(left) > kDense) {
    for (int i = 0; i < kTile; ++i) overlaps |= overlap_with(i);
  } else {
    for (; left != 0; left &= left - 1) overlaps |= overlap_with(__ffsll(static_cast<long long>(left)) - 1);
  }
  chunk.bits[(static_cast<int64_t>(set) * chunk.rows + row - chunk.first_row) * across + word] = overlaps;
}

// Which of the boxes that live survive the others of their tile, by one warp. `overlaps` are the diagonal's words of
// the caller's two rows. In each round every box is decided whose earlier boxes are: few rounds, one at least.
__device__ Bits Survivors(Bits alive, const Bits (&overlaps)[2]) {
  Bits kept = 0;
  while (alive != 0) {
    Bits decided = 0, newly_kept = 0;
    for (int half = 0; half < 2; ++half) {
      const int row = half * kWarp + Lane();
      const Bits before = overlaps[half] & ((Bits{1} << row) - 1);
      const bool lives = alive >> row & 1, dies = (before & kept) != 0, stays = (before & (kept | alive)) == 0;
      decided |= static_cast<Bits>(__ballot_sync(kAllLanes, lives && (dies || stays))) << (half * kWarp);
      newly_kept |= static_cast<Bits>(__ballot_sync(kAllLanes, lives && stays)) << (half * kWarp);
    }
    kept |= newly_kept;
    alive &= ~decided;
  }
  return kept;
}

// One set a block, tile after tile: what survives is written down and removes what it overlaps.
__global__ void Collect(Chunk chunk) {
  struct Survived {
    Bits rows;
    int32_t list[kTile];
  };
  RN_SHARED(Survived, survived);
  const int32_t set = static_cast<int32_t>(blockIdx.x), thread = static_cast<int32_t>(threadIdx.x);
  if (!IsOpen(chunk, set)) return;
  const int32_t across = chunk.words - chunk.first_word, count = chunk.sorted.counts[set];
  Bits* removed = chunk.removed + static_cast<int64_t>(set) * chunk.words;
  const Bits* bits = chunk.bits + static_cast<int64_t>(set) * chunk.rows * across;
  int32_t* rows = chunk.kept.rows + static_cast<int64_t>(set) * chunk.kept.most;
  int32_t num_kept = chunk.kept.counts[set];
  for (int32_t tile = 0; tile < chunk.rows / kTile; ++tile) {
    const int32_t first = tile * kTile, left = count - (chunk.first_row + first);
    if (left <= 0 || num_kept >= chunk.kept.most) break;
    if (WarpOfBlock() == 0) {
      const Bits there = left < kTile ? (Bits{1} << left) - 1 : ~Bits{0};
      const Bits alive = there & ~removed[chunk.first_word + tile];
      Bits overlaps[2] = {0, 0};  // nobody has written a row's that is removed or past the end
      for (int half = 0; half < 2; ++half) {
        const int32_t row = half * kWarp + Lane();
        if (alive >> row & 1) overlaps[half] = bits[static_cast<int64_t>(first + row) * across + tile];
      }
      const Bits survivors = Survivors(alive, overlaps);
      if (Lane() == 0) survived.rows = survivors;
    }
    __syncthreads();
    const Bits all = survived.rows;
    if (thread < kTile && (all >> thread & 1)) {
      const int32_t rank = __popcll(all & ((Bits{1} << thread) - 1));
      survived.list[rank] = first + thread;
      if (num_kept + rank < chunk.kept.most) rows[num_kept + rank] = chunk.first_row + first + thread;
    }
    __syncthreads();
    const int32_t found = __popcll(all);
    for (int32_t i = WarpOfBlock(); i < found; i += kCollectThreads / kWarp) {
      const Bits* overlaps = bits + static_cast<int64_t>(survived.list[i]) * across;
      for (int32_t word = tile + 1 + Lane(); word < across && word * kTile < count - chunk.first_row; word += kWarp) {
        if (overlaps[word] != 0) atomicOr(removed + chunk.first_word + word, overlaps[word]);
      }
    }
    num_kept += found;
    __syncthreads();
  }
  if (thread == 0) chunk.kept.counts[set] = min(num_kept, chunk.kept.most);
}

constexpr int kThreads = 256;

// Rows with a NaN score or a box that is not finite come last; `usable` counts the others.
__global__ void KeyScores(const float* scores, const float* boxes, int32_t count, uint64_t* keys, int32_t* rows,
                          int32_t* usable) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const bool is_usable = i < count && scores[i] == scores[i] && IsFinite(LoadBox(boxes + 4 * i));
  if (i < count) {
    keys[i] = is_usable ? FallingKey(scores[i]) : ~uint32_t{0};
    rows[i] = static_cast<int32_t>(i);
  }
  const int found = __popc(__ballot_sync(kAllLanes, is_usable));
  if (Lane() == 0 && found > 0) atomicAdd(usable, found);
}

__global__ void Gather(const int32_t* order, int32_t count, const float* boxes, const int32_t* classes,
                       Box* sorted_boxes, int32_t* sorted_classes) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= count) return;
  sorted_boxes[i] = LoadBox(boxes + 4 * static_cast<int64_t>(order[i]));
  if (classes) sorted_classes[i] = classes[order[i]];
}

__global__ void WriteKept(const int32_t* kept, const int32_t* order, int32_t count, int32_t* keep) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < count) keep[i] = order[kept[i]];
}

}  // namespace

void QueueNms(Device& device, const SortedBoxes& sorted, double iou_threshold, const Kept& kept) {
  const int32_t words = static_cast<int32_t>(DivideUp(sorted.capacity, kTile));
  const int64_t sets = sorted.sets;
  if (sets == 0) return;
  // At least one tile of rows of every set, and no more than there are.
  const int64_t all = sets * words * words * kTile;
  Scratch<Bits> bits(device, std::min(all, std::max(kMostWords, sets * words * kTile)));
  Scratch<Bits> removed(device, sets * words);
  removed.Clear();
  RN_CUDA(cudaMemsetAsync(kept.counts, 0, static_cast<size_t>(sets) * sizeof *kept.counts, device.stream));
  for (int32_t tile = 0; tile < words && kept.most > 0;) {
    const int32_t across = words - tile;
    const int64_t fit = std::max<int64_t>(1, kMostWords / (sets * across * kTile));
    const int32_t tiles = static_cast<int32_t>(std::min<int64_t>({across, fit, kMostRows / kTile}));
    const Chunk chunk{sorted,        kept,      RoundDown(iou_threshold), tile * kTile, tiles * kTile, tile, words,
                      removed.get(), bits.get()};
    Launch(device, sets * tiles * across, kTile, CompareTiles, chunk);
    Launch(device, sets, kCollectThreads, Collect, chunk);
    tile += tiles;
  }
}

rn_status Nms(const rn_nms* args) {
  return Guarded([&] {
    const rn_nms& op = *args;
    const Turn turn(op.place);
    Device& device = turn.device;
    Arrays arrays(device, op.place.memory);
    const int32_t most = static_cast<int32_t>(std::min(op.count, op.max_output));
    const int64_t blocks = DivideUp(op.count, kThreads);
    const float* scores = arrays.In(op.scores, op.count);
    const float* boxes = arrays.In(op.boxes, 4 * op.count);
    const int32_t* classes = arrays.In(op.classes, op.count);

    KeyedValues order(device, op.count);
    Scratch<int32_t> usable(device, 1);
    usable.Clear();
    Launch(device, blocks, kThreads, KeyScores, scores, boxes, op.count, order.keys(), order.values(), usable.get());
    order.Sort(device, 32);
    Scratch<Box> sorted_boxes(device, op.count);
    Scratch<int32_t> sorted_classes(device, classes ? op.count : 0), kept(device, most), num_kept(device, 1);
    Launch(device, blocks, kThreads, Gather, order.values(), op.count, boxes, classes, sorted_boxes.get(),
           sorted_classes.get());
    QueueNms(device, {1, static_cast<int32_t>(op.count), usable.get(), sorted_boxes.get(), sorted_classes.get()},
             op.iou_threshold, {most, kept.get(), num_kept.get()});

    int32_t count = 0;
    Download(device.stream, &count, num_kept.get(), sizeof count);
    Launch(device, DivideUp(count, kThreads), kThreads, WriteKept, kept.get(), order.values(), count,
           arrays.Out(op.keep, count));
    arrays.Finish();
    *op.num_keep = count;
  });
}

}  // namespace rn::cuda
