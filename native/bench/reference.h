// The operations again, as plainly as they can be written: what is not equal to these is not timed.
#ifndef RETINANET_OPS_BENCH_REFERENCE_H
#define RETINANET_OPS_BENCH_REFERENCE_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "../math/box.h"

namespace rn::bench {

struct FocalElement {
  double value, grad;
};

inline FocalElement FocalReference(double x, bool positive, double alpha, double gamma) {
  // In terms of the true class: z is the logit in its favour, q = 1 - p_t.
  const double z = positive ? x : -x;
  const double p = 1 / (1 + std::exp(-z)), q = 1 / (1 + std::exp(z));
  const double log1p_e = std::log1p(std::exp(-std::fabs(z)));
  const double cross_entropy = std::max(-z, 0.0) + log1p_e, minus_log_q = std::max(z, 0.0) + log1p_e;
  const double weight = (positive ? alpha : 1 - alpha) * std::exp(-gamma * minus_log_q);
  const double by_z = -weight * (gamma * p * cross_entropy + q);
  return {weight * cross_entropy, positive ? by_z : -by_z};
}

// torchvision's Matcher at .5 and .4 with low-quality matches, box by box: row of the ground truth, -1 or -2.
inline std::vector<int32_t> MatchReference(const std::vector<Box>& anchors, const std::vector<Box>& truth) {
  std::vector<int32_t> owner(anchors.size(), 0);
  std::vector<float> best(anchors.size(), 0.0f), best_of_box(truth.size(), 0.0f);
  const auto overlap = [&](size_t a, size_t g) { return Iou(truth[g], Area(truth[g]), anchors[a], Area(anchors[a])); };
  for (size_t g = 0; g < truth.size(); ++g) {
    for (size_t a = 0; a < anchors.size(); ++a) {
      const float iou = overlap(a, g);
      best_of_box[g] = std::max(best_of_box[g], iou);
      if (iou > best[a]) {
        best[a] = iou;
        owner[a] = static_cast<int32_t>(g);
      }
    }
  }
  std::vector<int32_t> matches(anchors.size());
  for (size_t a = 0; a < anchors.size(); ++a) matches[a] = best[a] < 0.4f ? -1 : best[a] < 0.5f ? -2 : owner[a];
  for (size_t g = 0; g < truth.size(); ++g) {
    for (size_t a = 0; a < anchors.size(); ++a) {
      if (best_of_box[g] > 0 && overlap(a, g) == best_of_box[g]) matches[a] = owner[a];
    }
  }
  return matches;
}

inline std::vector<int32_t> NmsReference(const std::vector<Box>& boxes, const std::vector<float>& scores,
                                         double threshold) {
  std::vector<int32_t> order(boxes.size()), kept;
  std::iota(order.begin(), order.end(), 0);
  const auto score = [&](int32_t i) { return scores[static_cast<size_t>(i)]; };
  std::stable_sort(order.begin(), order.end(), [&](int32_t i, int32_t j) { return score(i) > score(j); });
  for (const int32_t i : order) {
    const Box& box = boxes[static_cast<size_t>(i)];
    const bool suppressed = std::any_of(kept.begin(), kept.end(), [&](int32_t j) {
      const Box& other = boxes[static_cast<size_t>(j)];
      return static_cast<double>(Iou(other, Area(other), box, Area(box))) > threshold;
    });
    if (!suppressed) kept.push_back(i);
  }
  return kept;
}

}  // namespace rn::bench

#endif
