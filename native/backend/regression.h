// The formula of a regression, by its kind.
#ifndef RETINANET_OPS_REGRESSION_H
#define RETINANET_OPS_REGRESSION_H

#include "regressions.def"
#include "values.h"

namespace rn {

// Calls visit(formula).
template <class Visit>
void WithRegression(rn_regression kind, double beta, const Visit& visit) {
  switch (kind) {
#define RN_REGRESSION(KIND, name, Formula, width)                         \
  case KIND:                                                              \
    static_assert(Formula::kWidth == (width), "as regressions.def says"); \
    return visit(Formula{beta}); /* NOLINT(bugprone-macro-parentheses) */
#include "regressions.def"
    case RN_NUM_REGRESSIONS:
      return;  // no kind
  }
}

// Numbers of which one loss is made.
inline int64_t RegressionWidth(rn_regression kind) {
  constexpr int64_t kWidths[] = {
#define RN_REGRESSION(KIND, name, Formula, width) width,
#include "regressions.def"
  };
  return kWidths[kind];
}

}  // namespace rn

#endif
