// How the kernels of candidates.cu go through the logits: a warp has a stretch of a level of an image.
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
constexpr int kAtOnce = 8;                // loads that are under way together
constexpr uint32_t kNone = ~uint32_t{0};  // the key of what is no candidate

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
  Counts* counts;            // the same: of a stretch, then of those before it
};

// The stretch of a warp.
struct Stretch {
  int32_t image, level;
  int64_t number;
  int64_t first, end;  // logits within the image
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
  stretch.first = level.first + within * kStretch;
  stretch.end = level.first + level.count;
  return stretch;
}

// Whether the logit's row has a finite box: others are no candidates.
template <class T>
__device__ bool HasBox(const Search<T>& search, int32_t image, int64_t index) {
  const int32_t anchor = static_cast<int32_t>(index / search.classes);
  return IsBox(AnchorAt(search.anchors, anchor), DeltasOf(search.outputs, search.anchors, image, anchor));
}

// Calls visit(key, score, index) for the logits of a stretch in order, kWarp at a time and lanes together, leaving out
// those times when no lane has a candidate.
template <class T, class Visit>
__device__ void ForEachCandidate(const Search<T>& search, const Stretch& stretch, const Visit& visit) {
  const T* logits = search.outputs.logits + stretch.image * search.logits_per_image;
  for (int i = 0; i < kStretch && stretch.first + i < stretch.end; i += kAtOnce * kWarp) {
    float loaded[kAtOnce];
    for (int k = 0; k < kAtOnce; ++k) {
      const int64_t index = stretch.first + i + int64_t{k} * kWarp + Lane();
      loaded[k] = index < stretch.end ? ToFloat(logits[index]) : NAN;
    }
    for (int k = 0; k < kAtOnce; ++k) {
      const bool likely = loaded[k] >= search.least_logit;
      if (!__any_sync(kAllLanes, likely)) continue;
      const int64_t index = stretch.first + i + int64_t{k} * kWarp + Lane();
      const float score = likely ? Score(loaded[k]) : 0;
      const bool is_candidate = likely && score > search.threshold && HasBox(search, stretch.image, index);
      visit(is_candidate ? FallingKey(score) : kNone, score, index);
    }
  }
}

}  // namespace rn::cuda

#endif
