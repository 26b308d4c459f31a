// Counting positive rows before the losses, which may be divided by their number.
#ifndef RETINANET_OPS_CPU_FOCAL_COUNT_H
#define RETINANET_OPS_CPU_FOCAL_COUNT_H

#include "../backend/backend.h"

namespace rn::cpu {

// Rows that count and have a class.
int64_t CountPositives(const rn_focal_loss& op);

}  // namespace rn::cpu

#endif
