// Turns the one exception a CPU operation can meet, a failed allocation, into the C table's status.
#ifndef RETINANET_OPS_CPU_STATUS_H
#define RETINANET_OPS_CPU_STATUS_H

#include <cstdio>
#include <new>
#include <stdexcept>

#include "../backend/backend.h"

namespace rn::cpu {

template <class Body>
rn_status Guarded(const Body& body) {
  rn_status status{RN_OK, ""};
  try {
    body();
  } catch (const std::bad_alloc&) {
    status.code = RN_OUT_OF_MEMORY;
    std::snprintf(status.message, sizeof status.message, "could not allocate scratch memory");
  } catch (const std::length_error&) {  // a vector larger than the address space
    status.code = RN_OUT_OF_MEMORY;
    std::snprintf(status.message, sizeof status.message, "scratch memory larger than the address space");
  }
  return status;
}

}  // namespace rn::cpu

#endif
