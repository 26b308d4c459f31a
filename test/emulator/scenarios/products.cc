// A sweep over more rows than a test can lay out, for test/mining.test.ts.
#include <cstdio>

#include "../../../native/math/hard_negatives.h"
#include "scenarios.h"

namespace scenarios {
namespace {

// floor(k / 1000 * count) for every k up to 5000 and counts up to 2^31, against integers.
const Scenario products("products", [](cudaStream_t) {
  int64_t compared = 0, wrong = 0;
  const auto compare = [&](int64_t k, int64_t count) {
    const int64_t exact = k * count / 1000;
    ++compared;
    wrong += rn::FloorOfProduct(static_cast<double>(k) / 1000, count) != static_cast<double>(exact);
  };
  for (int64_t k = 0; k <= 5000; ++k) {
    for (int64_t count = 0; count <= 1000; ++count) compare(k, count);
    for (int64_t power = 1; power <= int64_t{1} << 31; power *= 2) {
      for (int64_t near = -20; near <= 20; ++near) compare(k, power * 999 / 1000 + near + 20);
    }
    for (int64_t count = (int64_t{1} << 31) - 2000; count <= int64_t{1} << 31; ++count) compare(k, count);
  }
  std::printf("%lld products, %lld wrong ", static_cast<long long>(compared), static_cast<long long>(wrong));
  return cudaSuccess;
});

}  // namespace
}  // namespace scenarios
