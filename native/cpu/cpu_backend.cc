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
      cpu::FocalLoss,
      cpu::SmoothL1,
      cpu::GridBoxes,
      cpu::Assign,
      cpu::PositiveTargets,
      cpu::EncodeBoxes,
      cpu::DecodeBoxes,
      cpu::ClipBoxes,
      cpu::BoxIou,
      cpu::Nms,
      cpu::DecodeDetections,
      cpu::RetinanetLoss,
      cpu::SelectHardNegatives,
  };
  return &table;
}

}  // namespace rn
