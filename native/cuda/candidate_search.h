// How the kernels of candidates.cu go through the logits: a warp has a stretch of a level of an image, and writes down
// the candidates that it finds, for the kernels after it.
#ifndef RETINANET_OPS_CUDA_CANDIDATE_SEARCH_H
#define RETINANET_OPS_CUDA_CANDIDATE_SEARCH_H

#include "../math/box_coder.h"
#include "../math/falling_key.h"
#include "../math/score.h"
#include "candidates.h"
#include "scan.h"
#include "vector_access.h"

namespace rn::cuda {

constexpr int kSearchBlock = 256, kWarps = kSearchBlock / kWarp;
constexpr int kStretch = 2048;            // logits of a warp
constexpr int kAtOnce = 512;              // of them are under way together
constexpr int kQueue = kAtOnce + 128;     // those that may be candidates, until a warp looks at them together
constexpr int kRoom = 64;                 // candidates of a stretch that are written down
constexpr uint32_t kNone = ~uint32_t{0};  // the key of what is no candidate

// A candidate: its key, and its place in its stretch.
struct Note {
  uint32_t key, place;
};

struct Level {
  int64_t first, count;  // logits within an image
  int32_t first_block, first_slot;
};

// What is known of a level's last candidate: its key is `key`, but for the digits that are not known yet; as many
// as `left` of those with this key get in. kNone: all candidates do.
struct Choice {
  uint32_t key;
  unsigned long long left;
};

struct Counts {
  unsigned long long better, equal;
};

template <class T>
struct Search {
  Outputs<T> outputs;
  Anchors anchors;
  int64_t classes, logits_per_image;
  const Level* levels;
  int32_t images, num_levels, blocks, slots;  // blocks and slots of an image
  float least_logit, threshold;
  unsigned long long top_k;
  Choice* choices;           // [images, num_levels]
  unsigned long long* bins;  // [images, num_levels, kBins]
  uint32_t* best;            // [images, blocks, kWarps]: the least key of a stretch
  uint32_t* found;           // the same: how many candidates a stretch has
  Note* notes;     // the same, kRoom each: which they are, in order; where there are more, the logits are read
  Counts* counts;  // the same: of a stretch, then of those before it
};

// The stretch of a warp. It begins at a multiple of 16 bytes, which may be before the level does.
struct Stretch {
  int32_t image, level;
  int64_t number;
  int64_t first, begin, end;  // logits within the image: of the stretch, of the level
};

// Logits that may be candidates, for a warp to look at them together.
struct Queue {
  float logits[kQueue];
  uint16_t places[kQueue];
};

template <class T>
__device__ Stretch StretchOfWarp(const Search<T>& search) {
  Stretch stretch{};
  stretch.image = static_cast<int32_t>(blockIdx.x) / search.blocks;
  const int32_t block = static_cast<int32_t>(blockIdx.x) % search.blocks;
  while (stretch.level + 1 < search.num_levels && search.levels[stretch.level + 1].first_block <= block)
    ++stretch.level;
  const Level level = search.levels[stretch.level];
  const int64_t within = static_cast<int64_t>(block - level.first_block) * kWarps + WarpOfBlock();
  stretch.number = static_cast<int64_t>(blockIdx.x) * kWarps + WarpOfBlock();
  const T* begin = search.outputs.logits + stretch.image * search.logits_per_image + level.first;
  const int64_t past_alignment = static_cast<int64_t>(reinterpret_cast<uintptr_t>(begin) % 16 / sizeof(T));
  stretch.first = level.first - past_alignment + within * kStretch;
  stretch.begin = level.first;
  stretch.end = level.first + level.count;
  return stretch;
}

// Whether the logit's row has a finite box: others are no candidates.
template <class T>
__device__ bool HasBox(const Search<T>& search, int32_t image, int64_t index) {
  const int64_t anchor = index > UINT32_MAX ? index / search.classes  // which takes a hundred instructions
                                            : static_cast<uint32_t>(index) / static_cast<uint32_t>(search.classes);
  const int32_t row = static_cast<int32_t>(anchor);
  return IsBox(AnchorAt(search.anchors, row), DeltasOf(search.outputs, search.anchors, image, row),
               search.outputs.coder_weights);
}

// Puts those of a warp's runs that may be candidates behind the `queued` ones, in order; how many there are then.
template <class T, int kRun>
__device__ int Enqueue(const Run<T, kRun>& run, float least_logit, int place, int queued, Queue& queue) {
  unsigned likely = 0;
  RN_UNROLL for (int i = 0; i < kRun; ++i) likely |= static_cast<unsigned>(run[i] >= least_logit) << i;
  if (!__any_sync(kAllLanes, likely != 0)) return queued;
  const int count = __popc(likely), up_to = SumUpToLane(count);
  int at = queued + up_to - count;
  RN_UNROLL for (int i = 0; i < kRun; ++i) {
    if (!(likely >> i & 1)) continue;
    queue.logits[at] = run[i];
    queue.places[at++] = static_cast<uint16_t>(place + i);
  }
  return queued + __shfl_sync(kAllLanes, up_to, kWarp - 1);
}

// Reads the logits of a stretch and calls visit(key, index) for what may be candidates in order, lanes together; those
// without one have the key kNone.
template <class T, class Visit>
__device__ void ReadStretch(const Search<T>& search, const Stretch& stretch, Queue& queue, const Visit& visit) {
  constexpr int kRun = 16 / static_cast<int>(sizeof(T)), kRuns = kAtOnce / (kRun * kWarp);
  const T* logits = search.outputs.logits + stretch.image * search.logits_per_image;
  int queued = 0;
  for (int first = 0; first < kStretch && stretch.first + first < stretch.end; first += kAtOnce) {
    const int64_t from = stretch.first + first;
    Run<T, kRun> runs[kRuns];
    if (from >= stretch.begin && from + kAtOnce <= stretch.end) {
      RN_UNROLL for (int k = 0; k < kRuns; ++k) {
        runs[k] = Run<T, kRun>::Load(logits + from + (k * kWarp + Lane()) * kRun);
      }
    } else {
      RN_UNROLL for (int k = 0; k < kRuns; ++k) {
        float values[kRun];
        RN_UNROLL for (int i = 0; i < kRun; ++i) {
          const int64_t index = from + int64_t{k * kWarp + Lane()} * kRun + i;
          values[i] = index >= stretch.begin && index < stretch.end ? ToFloat(logits[index]) : NAN;
        }
        runs[k] = Run<T, kRun>::Of(values);
      }
    }
    RN_UNROLL for (int k = 0; k < kRuns; ++k) {
      queued = Enqueue(runs[k], search.least_logit, first + (k * kWarp + Lane()) * kRun, queued, queue);
    }
    const bool is_last = first + kAtOnce >= kStretch || from + kAtOnce >= stretch.end;
    if (queued <= kQueue - kAtOnce && !is_last) continue;
    __syncwarp();
    for (int i = Lane(); i - Lane() < queued; i += kWarp) {
      const bool is_there = i < queued;
      const int64_t index = stretch.first + (is_there ? queue.places[i] : 0);
      const float score = is_there ? Score(queue.logits[i]) : 0;
      const bool is_candidate = is_there && score > search.threshold && HasBox(search, stretch.image, index);
      visit(is_candidate ? FallingKey(score) : kNone, index);
    }
    __syncwarp();
    queued = 0;
  }
}

// The same for a stretch that has been read before.
template <class T, class Visit>
__device__ void ForEachCandidate(const Search<T>& search, const Stretch& stretch, Queue& queue, const Visit& visit) {
  const int found = static_cast<int>(search.found[stretch.number]);
  if (found > kRoom) return ReadStretch(search, stretch, queue, visit);
  const Note* notes = search.notes + stretch.number * kRoom;
  for (int i = Lane(); i - Lane() < found; i += kWarp) {
    const Note note = i < found ? notes[i] : Note{kNone, 0};
    visit(note.key, stretch.first + note.place);
  }
}

}  // namespace rn::cuda

#endif
