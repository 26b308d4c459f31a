// Until every operation is there.
#include "cuda_backend.h"
#include "transfer.h"

namespace rn::cuda {
#define RN_PENDING(name, type) \
  __attribute__((weak)) rn_status name(const type*) { return {RN_BACKEND_FAILURE, #name " is not built yet"}; }
RN_PENDING(FocalLoss, rn_focal_loss)
RN_PENDING(SmoothL1, rn_smooth_l1)
RN_PENDING(GridBoxes, rn_grid_boxes)
RN_PENDING(Assign, rn_assign)
RN_PENDING(PositiveTargets, rn_positive_targets)
RN_PENDING(EncodeBoxes, rn_box_coding)
RN_PENDING(DecodeBoxes, rn_box_coding)
RN_PENDING(ClipBoxes, rn_clip)
RN_PENDING(BoxIou, rn_iou)
RN_PENDING(Nms, rn_nms)
RN_PENDING(DecodeDetections, rn_decode)
RN_PENDING(RetinanetLoss, rn_retinanet_loss)
RN_PENDING(SelectHardNegatives, rn_hard_negatives)

// Plain copies until transfer.cu has the staged ones.
__attribute__((weak)) void Upload(Device& device, void* to, const void* from, int64_t bytes) {
  RN_CUDA(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyHostToDevice, device.stream));
}
__attribute__((weak)) void Download(Device& device, void* to, const void* from, int64_t bytes) {
  RN_CUDA(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyDeviceToHost, device.stream));
}
__attribute__((weak)) bool IsPinned(const void* pointer) {
  cudaPointerAttributes attributes{};
  return cudaPointerGetAttributes(&attributes, pointer) == cudaSuccess && attributes.type == cudaMemoryTypeHost;
}
}  // namespace rn::cuda
