// Hard negative mining (Liu et al. 2016, SSD, section 2.2): the background rows of the largest loss, `ratio` for each
// positive row.
#include "../math/hard_negatives.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "cpu_backend.h"
#include "status.h"

namespace rn::cpu {

rn_status SelectHardNegatives(const rn_hard_negatives* args) {
  return Guarded([&] {
    const rn_hard_negatives& op = *args;
    struct Row {
      double loss;
      int32_t index;
    };
    std::vector<Row> negatives;
    int64_t positives = 0;
    for (int64_t row = 0; row < op.rows; ++row) {
      if (op.labels[row] >= 0) ++positives;
      if (op.labels[row] != RN_LABEL_BACKGROUND) continue;
      double loss = 0;
      for (int64_t k = 0; k < op.columns; ++k) loss += static_cast<double>(op.losses[row * op.columns + k]);
      if (loss != loss) continue;  // infinities of both signs
      negatives.push_back({loss, static_cast<int32_t>(row)});
    }
    const int64_t count =
        NegativesToKeep(op.ratio, positives, op.min_negatives, static_cast<int64_t>(negatives.size()));
    // Hardest first; of equal losses the smaller row.
    std::partial_sort(
        negatives.begin(), negatives.begin() + static_cast<std::ptrdiff_t>(count), negatives.end(),
        [](const Row& a, const Row& b) { return a.loss > b.loss || (a.loss == b.loss && a.index < b.index); });
    for (int64_t i = 0; i < count; ++i) op.keep[i] = negatives[static_cast<size_t>(i)].index;
    *op.num_keep = count;
  });
}

}  // namespace rn::cpu
