// The key of a level's last candidate, a digit at a time: histograms, and the choice of a bin.
#ifndef RETINANET_OPS_CUDA_CANDIDATE_DIGITS_H
#define RETINANET_OPS_CUDA_CANDIDATE_DIGITS_H

#include "candidate_search.h"

namespace rn::cuda {

constexpr int kDigitBits = 11, kBins = 1 << kDigitBits;
constexpr int kKeyBits = 31;  // of scores
constexpr int kFirstShift = kKeyBits - kDigitBits;
constexpr int kShifts[] = {kFirstShift, 9, 0};  // of the digits: each reaches from its shift to the one before
constexpr int kSumThreads = 256;                // of kernels whose blocks have a level of an image each

struct Queues {
  Queue of_warp[kWarps];
};

// The score that has the key: no score is negative.
__device__ inline float ScoreOf(uint32_t key) { return __uint_as_float(~key & ~(uint32_t{1} << 31)); }

__device__ inline uint32_t WarpMin(uint32_t value) {
  for (int step = kWarp / 2; step > 0; step /= 2) value = min(value, __shfl_xor_sync(kAllLanes, value, step));
  return value;
}

struct Histogram {
  unsigned of[kBins];
};

__device__ inline void EmptyBins(Histogram& histogram) {
  for (int bin = static_cast<int>(threadIdx.x); bin < kBins; bin += kSearchBlock) histogram.of[bin] = 0;
  __syncthreads();
}

template <class T>
__device__ void AddBins(const Search<T>& search, const Stretch& stretch, const Histogram& histogram) {
  const int64_t segment = static_cast<int64_t>(stretch.image) * search.num_levels + stretch.level;
  for (int bin = static_cast<int>(threadIdx.x); bin < kBins; bin += kSearchBlock) {
    const unsigned count = histogram.of[bin];
    if (count > 0) atomicAdd(search.bins + segment * kBins + bin, static_cast<unsigned long long>(count));
  }
}

// Writes candidates down, and counts them by their first digit.
template <class T>
__global__ void FindCandidates(Search<T> search) {
  RN_SHARED(Histogram, histogram);
  RN_SHARED(Queues, queues);
  EmptyBins(histogram);
  const Stretch stretch = StretchOfWarp(search);
  Note* notes = search.notes + stretch.number * kRoom;
  uint32_t best = kNone;
  int found = 0;
  ReadStretch(search, stretch, queues.of_warp[WarpOfBlock()], [&](uint32_t key, int64_t index) {
    const unsigned lanes = __ballot_sync(kAllLanes, key != kNone);
    const int at = found + __popc(lanes & LanesBefore());
    found += __popc(lanes);
    if (key == kNone) return;
    atomicAdd(&histogram.of[key >> kFirstShift], 1u);
    best = min(best, key);
    if (at < kRoom) notes[at] = {key, static_cast<uint32_t>(index - stretch.first)};
  });
  best = WarpMin(best);
  if (Lane() == 0) {
    search.best[stretch.number] = best;
    search.found[stretch.number] = static_cast<uint32_t>(found);
  }
  if (__syncthreads_or(found > 0)) AddBins(search, stretch, histogram);
}

// Counts the keys that have the bits which are known, by their next digit.
template <class T>
__global__ void CountDigits(Search<T> search, int shift, int known_from) {
  RN_SHARED(Histogram, histogram);
  RN_SHARED(Queues, queues);
  const Stretch stretch = StretchOfWarp(search);
  const uint32_t known = search.choices[static_cast<int64_t>(stretch.image) * search.num_levels + stretch.level].key;
  const uint32_t digit_mask = (uint32_t{1} << (known_from - shift)) - 1;
  const bool matters = known != kNone && search.best[stretch.number] >> known_from <= known >> known_from;
  if (!__syncthreads_or(matters)) return;
  EmptyBins(histogram);
  if (matters) {
    ForEachCandidate(search, stretch, queues.of_warp[WarpOfBlock()], [&](uint32_t key, int64_t) {
      if (key >> known_from == known >> known_from) atomicAdd(&histogram.of[key >> shift & digit_mask], 1u);
    });
  }
  __syncthreads();
  AddBins(search, stretch, histogram);
}

// Each block takes one level of one image: finds the digit of its last candidate, and empties the bins for the next
// time.
static __global__ void ChooseDigit(unsigned long long* all_bins, Choice* choices, unsigned long long top_k, int shift,
                                   bool first_time) {
  RN_SHARED(BlockSums<unsigned long long>, sums);
  constexpr unsigned kBinsOfThread = kBins / kSumThreads;
  unsigned long long* bins = all_bins + static_cast<int64_t>(blockIdx.x) * kBins + size_t{threadIdx.x} * kBinsOfThread;
  const Choice choice = first_time ? Choice{0, top_k} : choices[blockIdx.x];
  unsigned long long counts[kBinsOfThread], of_thread = 0;
  for (unsigned i = 0; i < kBinsOfThread; ++i) {
    counts[i] = bins[i];
    bins[i] = 0;
    of_thread += counts[i];
  }
  unsigned long long total = 0, before = SumBefore(of_thread, sums, total);
  if (first_time && total <= top_k) {
    if (threadIdx.x == 0) choices[blockIdx.x] = {kNone, 0};
    return;
  }
  if (choice.key == kNone) return;
  for (unsigned i = 0; i < kBinsOfThread; ++i) {
    if (before < choice.left && choice.left <= before + counts[i]) {
      choices[blockIdx.x] = {choice.key | (threadIdx.x * kBinsOfThread + i) << shift, choice.left - before};
    }
    before += counts[i];
  }
}

}  // namespace rn::cuda

#endif
