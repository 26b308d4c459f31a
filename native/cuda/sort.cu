// The radix sort of sort.h. For each digit: every tile counts its digits, the counts are summed up over the tiles, and
// every tile puts its pairs where those with smaller digits, and those with the same one before it, end.
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

struct Pairs {
  const uint64_t* keys;
  const int32_t* values;
  uint64_t* sorted_keys;
  int32_t* sorted_values;
};

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

}  // namespace

void KeyedValues::Sort(Device& device, int bits) {
  const int64_t tiles = DivideUp(count_, kTile);
  Scratch<unsigned> counts(device, tiles * kDigits), totals(device, kDigits);
  for (int shift = 0; shift < bits && tiles > 0; shift += kDigitBits) {
    const Pairs pairs{keys(), values(), flipped_ ? keys_.get() : spare_keys_.get(),
                      flipped_ ? values_.get() : spare_values_.get()};
    Launch(device, tiles, kThreads, CountDigits, pairs.keys, count_, shift, tiles, counts.get());
    Launch(device, kDigits / kWarps, kThreads, SumOverTiles, tiles, counts.get(), totals.get());
    Launch(device, tiles, kThreads, PutInOrder, pairs, count_, shift, tiles, counts.get(), totals.get());
    flipped_ = !flipped_;
  }
}

}  // namespace rn::cuda
