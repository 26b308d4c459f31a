// The CPU's operations and the table that lists them.
#ifndef RETINANET_OPS_CPU_BACKEND_H
#define RETINANET_OPS_CPU_BACKEND_H

#include "../backend/backend.h"

namespace rn {

const rn_backend* CpuBackend();

namespace cpu {

#define RN_OPERATION(Name, name, parameters) rn_status Name(const parameters*);  // NOLINT(bugprone-macro-parentheses)
#define RN_CPU_OPERATION(Name, parameters) rn_status Name(const parameters*);    // NOLINT(bugprone-macro-parentheses)
#include "../backend/operations.def"

}  // namespace cpu
}  // namespace rn

#endif
