// Selection without a copy of the logits: histograms of the scores find the score of the last candidate that gets in,
// eleven of its bits at a time, then all that are better are gathered, and of those equal to it the first. The logits
// are read once: what is above the threshold is written down, and only a stretch with more of it than there is room for
// is read again, if it held something of interest before.
#include "candidate_digits.h"
#include "candidates.h"

namespace rn::cuda {
namespace {

template <class T>
__global__ void CountChosen(Search<T> search) {
  RN_SHARED(Queues, queues);
  const Stretch stretch = StretchOfWarp(search);
  const Choice choice = search.choices[static_cast<int64_t>(stretch.image) * search.num_levels + stretch.level];
  Counts counts{0, 0};
  const uint32_t best = search.best[stretch.number];
  if (best != kNone && best <= choice.key) {
    ForEachCandidate(search, stretch, queues.of_warp[WarpOfBlock()], [&](uint32_t key, int64_t) {
      counts.better += static_cast<unsigned>(__popc(__ballot_sync(kAllLanes, key < choice.key)));
      counts.equal += static_cast<unsigned>(__popc(__ballot_sync(kAllLanes, key == choice.key && key != kNone)));
    });
  }
  if (Lane() == 0) search.counts[stretch.number] = counts;
}

// Each block takes one level of one image: counts of stretches become the sums of those before.
template <class T>
__global__ void SumStretches(Search<T> search, int32_t* counts_of_images) {
  RN_SHARED(BlockSums<unsigned long long>, sums);
  const int32_t image = static_cast<int32_t>(blockIdx.x) / search.num_levels;
  const int32_t level = static_cast<int32_t>(blockIdx.x) % search.num_levels;
  const int32_t first_block = search.levels[level].first_block;
  const int32_t end_block = level + 1 < search.num_levels ? search.levels[level + 1].first_block : search.blocks;
  Counts* counts = search.counts + (static_cast<int64_t>(image) * search.blocks + first_block) * kWarps;
  const int64_t stretches = static_cast<int64_t>(end_block - first_block) * kWarps;
  Counts before{0, 0};
  for (int64_t first = 0; first < stretches; first += kSumThreads) {
    const int64_t i = first + threadIdx.x;
    const Counts of_stretch = i < stretches ? counts[i] : Counts{0, 0};
    Counts total{0, 0};
    const Counts sum{SumBefore(of_stretch.better, sums, total.better), SumBefore(of_stretch.equal, sums, total.equal)};
    if (i < stretches) counts[i] = {before.better + sum.better, before.equal + sum.equal};
    before = {before.better + total.better, before.equal + total.equal};
  }
  if (threadIdx.x == 0) {
    const unsigned long long chosen = before.better + min(before.equal, search.choices[blockIdx.x].left);
    atomicAdd(counts_of_images + image, static_cast<int32_t>(chosen));
  }
}

__global__ void EmptySlots(int64_t all, int32_t slots, uint64_t* keys, int32_t* values) {
  const int64_t slot = static_cast<int64_t>(blockIdx.x) * kSearchBlock + threadIdx.x;
  if (slot >= all) return;
  keys[slot] = static_cast<uint64_t>(slot / slots) << 32 | kNone;
  values[slot] = static_cast<int32_t>(slot);
}

// The chosen of a level lie in the order of their indices, which is that of equal scores.
template <class T>
__global__ void Gather(Search<T> search, uint64_t* keys, Candidate* found) {
  RN_SHARED(Queues, queues);
  const Stretch stretch = StretchOfWarp(search);
  const Choice choice = search.choices[static_cast<int64_t>(stretch.image) * search.num_levels + stretch.level];
  const uint32_t best = search.best[stretch.number];
  if (best == kNone || best > choice.key) return;
  const int64_t first_slot =
      static_cast<int64_t>(stretch.image) * search.slots + search.levels[stretch.level].first_slot;
  Counts before = search.counts[stretch.number];
  ForEachCandidate(search, stretch, queues.of_warp[WarpOfBlock()], [&](uint32_t key, int64_t index) {
    const bool is_equal = key == choice.key && key != kNone;
    const unsigned better = __ballot_sync(kAllLanes, key < choice.key), equal = __ballot_sync(kAllLanes, is_equal);
    const unsigned long long equal_before = before.equal + static_cast<unsigned>(__popc(equal & LanesBefore()));
    if (key < choice.key || (is_equal && equal_before < choice.left)) {
      const unsigned long long better_before = before.better + static_cast<unsigned>(__popc(better & LanesBefore()));
      const int64_t slot = first_slot + static_cast<int64_t>(better_before + min(equal_before, choice.left));
      keys[slot] = static_cast<uint64_t>(stretch.image) << 32 | key;
      found[slot] = {index, ScoreOf(key)};
    }
    before.better += static_cast<unsigned>(__popc(better));
    before.equal += static_cast<unsigned>(__popc(equal));
  });
}

int64_t SlotsOf(const rn_decode& op) {
  int64_t slots = 0;
  for (int64_t l = 0; l < op.num_levels; ++l) slots += std::min(op.top_k, op.level_counts[l] * op.classes);
  // A place in the order is an int32_t.
  if (slots * op.images > INT32_MAX) throw Failure{cudaErrorMemoryAllocation, "the candidates"};
  return slots;
}

int BitsOf(int64_t value) { return value == 0 ? 0 : 1 + BitsOf(value / 2); }

}  // namespace

Candidates::Candidates(Device& device, const rn_decode& op)
    : slots_(static_cast<int32_t>(SlotsOf(op))),
      order_(device, op.images * slots_),
      found_(device, op.images * slots_),
      counts_(device, op.images) {}

template <class T>
void Candidates::Select(Device& device, Arrays& arrays, const rn_decode& op, const Anchors& anchors,
                        const Outputs<T>& outputs) {
  counts_.Clear();
  if (order_.count() == 0) return;
  std::vector<Level> levels;
  int64_t first = 0, blocks = 0, slots = 0;
  for (int64_t l = 0; l < op.num_levels; ++l) {
    const int64_t count = op.level_counts[l] * op.classes;
    levels.push_back({first, count, static_cast<int32_t>(blocks), static_cast<int32_t>(slots)});
    first += count;
    // One run more than the level has, for stretches that begin before it.
    if (count > 0) blocks += DivideUp(count + 16 / int64_t{sizeof(T)} - 1, int64_t{kWarps} * kStretch);
    slots += std::min(op.top_k, count);
  }
  const int64_t segments = op.images * op.num_levels, all_blocks = op.images * blocks;
  Scratch<Choice> choices(device, segments);
  Scratch<unsigned long long> bins(device, segments * kBins);
  Scratch<uint32_t> best(device, all_blocks * kWarps), found(device, all_blocks * kWarps);
  Scratch<Note> notes(device, all_blocks * kWarps * kRoom);
  Scratch<Counts> counts(device, all_blocks * kWarps);
  bins.Clear();
  const Search<T> search{outputs,
                         anchors,
                         op.classes,
                         first,
                         arrays.FromHost(levels.data(), op.num_levels),
                         static_cast<int32_t>(op.images),
                         static_cast<int32_t>(op.num_levels),
                         static_cast<int32_t>(blocks),
                         slots_,
                         LogitSurelyBelow(op.score_threshold),
                         static_cast<float>(op.score_threshold),
                         static_cast<unsigned long long>(op.top_k),
                         choices.get(),
                         bins.get(),
                         best.get(),
                         found.get(),
                         notes.get(),
                         counts.get()};
  int known_from = kKeyBits;
  for (const int shift : kShifts) {
    if (known_from == kKeyBits) {
      Launch(device, all_blocks, kSearchBlock, FindCandidates<T>, search);
    } else {
      Launch(device, all_blocks, kSearchBlock, CountDigits<T>, search, shift, known_from);
    }
    Launch(device, segments, kSumThreads, ChooseDigit, bins.get(), choices.get(), search.top_k, shift,
           known_from == kKeyBits);
    known_from = shift;
  }
  Launch(device, all_blocks, kSearchBlock, CountChosen<T>, search);
  Launch(device, segments, kSumThreads, SumStretches<T>, search, counts_.get());
  Launch(device, DivideUp(order_.count(), kSearchBlock), kSearchBlock, EmptySlots, order_.count(), slots_,
         order_.keys(), order_.values());
  Launch(device, all_blocks, kSearchBlock, Gather<T>, search, order_.keys(), found_.get());
  order_.Sort(device, 32, slots_, BitsOf(op.images - 1));
}

template void Candidates::Select(Device&, Arrays&, const rn_decode&, const Anchors&, const Outputs<float>&);
template void Candidates::Select(Device&, Arrays&, const rn_decode&, const Anchors&, const Outputs<__half>&);
template void Candidates::Select(Device&, Arrays&, const rn_decode&, const Anchors&, const Outputs<__nv_bfloat16>&);

}  // namespace rn::cuda
