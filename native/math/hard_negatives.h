// How many hard negatives are kept (Liu et al. 2016, SSD, section 2.2).
#ifndef RETINANET_OPS_MATH_HARD_NEGATIVES_H
#define RETINANET_OPS_MATH_HARD_NEGATIVES_H

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace rn {

// floor(ratio * count) for a ratio that a float64 only stands for: .29 * 100 is 29 and a third of 3 is 1, although the
// rounded ratio and the rounded product end below. Two roundings move a product by at most 2^-52 of itself; what lies
// within twice that of a whole number is that number. Other products come so close from ratios of 15 digits on only:
// those of k / 1000 stay a thousandth away from the next whole number, more than 2^-51 of any product below 2^41.
inline double FloorOfProduct(double ratio, int64_t count) {
  const double product = ratio * static_cast<double>(count), nearest = std::rint(product);
  return std::fabs(product - nearest) <= 0x1p-51 * product ? nearest : std::floor(product);
}

// `available` negatives at most.
inline int64_t NegativesToKeep(double ratio, int64_t positives, int64_t at_least, int64_t available) {
  const double wanted = std::max(FloorOfProduct(ratio, positives), static_cast<double>(at_least));
  return wanted < static_cast<double>(available) ? static_cast<int64_t>(wanted) : available;
}

}  // namespace rn

#endif
