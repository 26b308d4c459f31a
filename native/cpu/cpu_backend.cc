#include "cpu_backend.h"

#include "kernels/kernels.h"

namespace rn {

const rn_backend* CpuBackend() {
  const cpu::Kernels* kernels = cpu::ActiveKernels();
  if (!kernels) return nullptr;
  static const rn_backend table = {
      RN_ABI_VERSION,
      "cpu",
      kernels->instruction_set,
#define RN_OPERATION(Name, name, parameters) cpu::Name,
#include "../backend/operations.def"
  };
  return &table;
}

}  // namespace rn
