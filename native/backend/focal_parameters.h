// What the parameters of a focal loss say of a class, and of all of them, for every backend.
#ifndef RETINANET_OPS_FOCAL_PARAMETERS_H
#define RETINANET_OPS_FOCAL_PARAMETERS_H

#include <algorithm>
#include <cstdint>

#include "../math/focal_parameters.h"
#include "backend.h"

namespace rn {

inline FocalClass FocalClassOf(const rn_focal_loss& op, int64_t k) {
  const double gamma = op.gamma.values[op.gamma.count == 1 ? 0 : k];
  if (!op.alpha.values) return {1, 1, gamma};
  const double alpha = op.alpha.values[op.alpha.count == 1 ? 0 : k];
  return {AlphaWeight(alpha, 0), AlphaWeight(alpha, 1), gamma};
}

inline bool AllEqual(const rn_per_class& parameter) {
  return std::all_of(parameter.values, parameter.values + (parameter.values ? parameter.count : 0),
                     [&](double value) { return value == parameter.values[0]; });
}

inline FocalGamma GammaKindOf(const rn_focal_loss& op) {
  return AllEqual(op.gamma) ? GammaKindOf(op.gamma.values[0]) : kGammaReal;
}

inline FocalLimits FocalLimitsOf(const rn_focal_loss& op) {
  const int64_t classes = std::max<int64_t>(op.gamma.count, op.alpha.values ? op.alpha.count : 1);
  const auto [low, high] = SmoothedRange(op.label_smoothing);
  double largest_gamma = 0, least_alpha = 1;
  for (int64_t k = 0; k < classes; ++k) {
    const FocalClass of_class = FocalClassOf(op, k);
    largest_gamma = std::max(largest_gamma, of_class.gamma);
    const double background = of_class.Alpha(low, high), foreground = of_class.Alpha(high, low);
    // Targets between may be as near to one without weight as numbers go.
    if (background > 0 || op.targets) least_alpha = std::min(least_alpha, background);
    if (foreground > 0 || op.targets) least_alpha = std::min(least_alpha, foreground);
  }
  return {static_cast<float>(1 + largest_gamma), static_cast<float>(least_alpha), op.grad_output_count > 1};
}

}  // namespace rn

#endif
