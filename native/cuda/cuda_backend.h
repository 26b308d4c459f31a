// CUDA's operations and the table that lists them.
#ifndef RETINANET_OPS_CUDA_BACKEND_H
#define RETINANET_OPS_CUDA_BACKEND_H

#include "../backend/backend.h"

namespace rn::cuda {

#define RN_OPERATION(Name, name, parameters) rn_status Name(const parameters*);  // NOLINT(bugprone-macro-parentheses)
#include "../backend/operations.def"

}  // namespace rn::cuda

#endif
