#include "cpu_backend.h"

namespace rn {

const rn_backend* CpuBackend() {
  static const rn_backend table = {
      RN_ABI_VERSION,     "cpu",
      "baseline",         cpu::FocalLoss,
      cpu::SmoothL1,      cpu::GridBoxes,
      cpu::Assign,        cpu::PositiveTargets,
      cpu::EncodeBoxes,   cpu::DecodeBoxes,
      cpu::ClipBoxes,     cpu::BoxIou,
      cpu::Nms,           cpu::DecodeDetections,
      cpu::RetinanetLoss, cpu::SelectHardNegatives,
  };
  return &table;
}

}  // namespace rn
