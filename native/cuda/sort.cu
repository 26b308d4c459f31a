// The sorts of sort.h. Few pairs: each counts those that come before it, in two kernels. Many: a radix sort by digits
// of eight bits, the lowest first. For each digit every tile counts its digits, the counts are summed up over the
// tiles, and every tile puts its pairs where those with smaller digits, and those with the same one before it, end.
#include "scan.h"
#include "sort.h"

namespace rn::cuda {
namespace {

constexpr int kDigitBits = 8, kDigits = 1 << kDigitBits;
constexpr int kThreads = 256, kWarps = kThreads / kWarp;
constexpr int kRounds = 8;  // a warp has so many pairs a lane
constexpr int kTile = kThreads * kRounds;
static_assert(kThreads == kDigits, "thread d sums up digit d");

__device__ inline unsigned DigitOf(uint64_t key, int shift) {
  return static_cast<unsigned>(key >> shift) & (kDigits - 1);
}

// counts[digit][tile]
__global__ void CountDigits(const uint64_t* keys, int64_t count, int shift, int64_t tiles, unsigned* counts) {
  struct Histogram {
    unsigned of[kDigits];
  };
  RN_SHARED(Histogram, histogram);
  histogram.of[threadIdx.x] = 0;
  __syncthreads();
  const int64_t first = static_cast<int64_t>(blockIdx.x) * kTile + threadIdx.x;
  for (int64_t i = first; i < first + kTile && i < count; i += kThreads) {
    atomicAdd(&histogram.of[DigitOf(keys[i], shift)], 1u);
  }
  __syncthreads();
  counts[threadIdx.x * tiles + blockIdx.x] = histogram.of[threadIdx.x];
}

// One digit a warp: its counts become the sums of those before; the sum of all goes to totals[digit].
__global__ void SumOverTiles(int64_t tiles, unsigned* counts, unsigned* totals) {
  const int digit = static_cast<int>(blockIdx.x) * kWarps + WarpOfBlock();
  unsigned* of_digit = counts + digit * tiles;
  unsigned before = 0;
  for (int64_t tile = Lane(); tile - Lane() < tiles; tile += kWarp) {
    const unsigned count = tile < tiles ? of_digit[tile] : 0;
    const unsigned up_to = SumUpToLane(count);
    if (tile < tiles) of_digit[tile] = before + up_to - count;
    before += __shfl_sync(kAllLanes, up_to, kWarp - 1);
  }
  if (Lane() == 0) totals[digit] = before;
}

// The lanes whose digit is the caller's, among those that are `inside`.
__device__ inline unsigned LanesWithDigit(unsigned digit, bool inside) {
  unsigned lanes = __ballot_sync(kAllLanes, inside);
  for (int bit = 0; bit < kDigitBits; ++bit) {
    const bool is_set = digit >> bit & 1u;
    const unsigned set = __ballot_sync(kAllLanes, is_set);
    lanes &= is_set ? set : ~set;
  }
  return lanes;
}

using Pairs = KeyedValues::Pairs;

__global__ void PutInOrder(Pairs pairs, int64_t count, int shift, int64_t tiles, const unsigned* counts_before,
                           const unsigned* totals) {
  struct Places {
    unsigned of[kWarps][kDigits];  // first how many pairs of the warp have the digit, then where the first of them goes
  };
  RN_SHARED(Places, places);
  RN_SHARED(BlockSums<unsigned>, sums);
  unsigned* of_warp = places.of[WarpOfBlock()];
  for (int digit = Lane(); digit < kDigits; digit += kWarp) of_warp[digit] = 0;
  __syncwarp();

  const int64_t first = static_cast<int64_t>(blockIdx.x) * kTile + int64_t{WarpOfBlock()} * kWarp * kRounds + Lane();
  uint64_t keys[kRounds];
  unsigned ranks[kRounds];  // among the warp's pairs of the same digit
  for (int round = 0; round < kRounds; ++round) {
    const int64_t i = first + int64_t{round} * kWarp;
    keys[round] = i < count ? pairs.keys[i] : 0;
    const unsigned digit = DigitOf(keys[round], shift), lanes = LanesWithDigit(digit, i < count);
    const unsigned before = lanes & LanesBefore();
    ranks[round] = of_warp[digit] + static_cast<unsigned>(__popc(before));
    __syncwarp();
    if (i < count && before == 0) of_warp[digit] += static_cast<unsigned>(__popc(lanes));
    __syncwarp();
  }

  unsigned all = 0;  // SumBefore waits for all warps
  unsigned place = SumBefore(totals[threadIdx.x], sums, all) + counts_before[threadIdx.x * tiles + blockIdx.x];
  for (int warp = 0; warp < kWarps; ++warp) {
    const unsigned count_of_warp = places.of[warp][threadIdx.x];
    places.of[warp][threadIdx.x] = place;
    place += count_of_warp;
  }
  __syncthreads();

  for (int round = 0; round < kRounds; ++round) {
    const int64_t i = first + int64_t{round} * kWarp;
    if (i >= count) continue;
    const unsigned to = of_warp[DigitOf(keys[round], shift)] + ranks[round];
    pairs.sorted_keys[to] = keys[round];
    pairs.sorted_values[to] = pairs.values[i];
  }
}

constexpr int64_t kFewComparisons = int64_t{1} << 22;  // a multiprocessor: they take less than the digits' kernels

// A block compares the pairs of a tile of a segment with those of another, and adds to their ranks.
template <class Key>
__global__ void CountRanks(const uint64_t* keys, int32_t length, unsigned* ranks) {
  struct Others {
    Key keys[kThreads];
  };
  RN_SHARED(Others, others);
  const int32_t tiles = (length + kThreads - 1) / kThreads, block = static_cast<int32_t>(blockIdx.x);
  const int32_t tile = block % tiles, other = block / tiles % tiles, thread = static_cast<int32_t>(threadIdx.x);
  const int64_t first = static_cast<int64_t>(block / tiles / tiles) * length;
  const int32_t mine = tile * kThreads + thread, its = other * kThreads + thread;
  others.keys[thread] = its < length ? static_cast<Key>(keys[first + its]) : ~Key{0};  // before no key
  __syncthreads();
  if (mine >= length) return;
  const Key key = static_cast<Key>(keys[first + mine]);
  // Where keys are equal the first comes first.
  const int32_t equal_before = other < tile ? kThreads : other > tile ? 0 : thread;
  unsigned rank = 0;
  for (int i = 0; i < equal_before; ++i) rank += others.keys[i] <= key;
  for (int i = equal_before; i < kThreads; ++i) rank += others.keys[i] < key;
  if (rank > 0) atomicAdd(ranks + first + mine, rank);
}

__global__ void PutByRank(Pairs pairs, int64_t count, int32_t length, const unsigned* ranks) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= count) return;
  const int64_t to = i / length * length + ranks[i];
  pairs.sorted_keys[to] = pairs.keys[i];
  pairs.sorted_values[to] = pairs.values[i];
}

}  // namespace

void KeyedValues::Sort(Device& device, int bits, int64_t length, int segment_bits) {
  if (count_ == 0) return;
  if (count_ <= kFewComparisons * device.multiprocessors / length) {
    const int64_t tiles = DivideUp(length, kThreads), blocks = count_ / length * tiles * tiles;
    const int32_t of_segment = static_cast<int32_t>(length);
    Scratch<unsigned> ranks(device, count_);
    ranks.Clear();
    const Pairs pairs = Flip();
    Launch(device, blocks, kThreads, bits > 32 ? CountRanks<uint64_t> : CountRanks<uint32_t>, pairs.keys, of_segment,
           ranks.get());
    Launch(device, DivideUp(count_, kThreads), kThreads, PutByRank, pairs, count_, of_segment, ranks.get());
    return;
  }
  const int64_t tiles = DivideUp(count_, kTile);
  Scratch<unsigned> counts(device, tiles * kDigits), totals(device, kDigits);
  for (int shift = 0; shift < bits + segment_bits; shift += kDigitBits) {
    const Pairs pairs = Flip();
    Launch(device, tiles, kThreads, CountDigits, pairs.keys, count_, shift, tiles, counts.get());
    Launch(device, kDigits / kWarps, kThreads, SumOverTiles, tiles, counts.get(), totals.get());
    Launch(device, tiles, kThreads, PutInOrder, pairs, count_, shift, tiles, counts.get(), totals.get());
  }
}

KeyedValues::Pairs KeyedValues::Flip() {
  uint64_t* const old_keys = keys();
  int32_t* const old_values = values();
  flipped_ = !flipped_;
  return {old_keys, old_values, keys(), values()};
}

}  // namespace rn::cuda
