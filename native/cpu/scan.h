// Looks for values that are refused: what lib/ does by itself for short arrays.
#ifndef RETINANET_OPS_CPU_SCAN_H
#define RETINANET_OPS_CPU_SCAN_H

#include <cstdint>

namespace rn::cpu {

// Index of the first value that is not in [lowest, highest] (NaN never is), or -1.
int64_t FirstOutside(const float* values, int64_t count, float lowest, float highest);
int64_t FirstOutside(const int32_t* values, int64_t count, int32_t lowest, int32_t highest);

// Row of the first of `count` boxes that is not finite or, where `area` is asked for, has none; or -1.
int64_t FirstBadBox(const float* boxes, int64_t count, bool area);

}  // namespace rn::cpu

#endif
