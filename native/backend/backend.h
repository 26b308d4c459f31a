// What a backend is: a C table of functions, one for each row of operations.def. Plain C types only, so that a backend
// may be another shared library built by another compiler.
#ifndef RETINANET_OPS_BACKEND_H
#define RETINANET_OPS_BACKEND_H

#include "parameters.h"

#ifdef __cplusplus
extern "C" {
#endif

// Raised whenever a struct of parameters, the table or the list of regressions changes: a plugin of another version is
// refused ("abi-mismatch").
#define RN_ABI_VERSION 9

typedef struct rn_backend {
  uint32_t abi_version;
  const char* name;
  const char* instruction_set;
#define RN_OPERATION(Name, name, parameters) \
  rn_status (*name)(const parameters*);  // NOLINT(bugprone-macro-parentheses)
#include "operations.def"
} rn_backend;

#ifdef __cplusplus
}
#endif

#endif
