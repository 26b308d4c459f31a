// The focal loss as a chain of kernels on device arrays, for those that queue it among others. Two steps, so that the
// second can be captured in a graph: it allocates nothing, waits for nothing and reads no host memory when it runs.
#ifndef RETINANET_OPS_CUDA_FOCAL_LOSS_H
#define RETINANET_OPS_CUDA_FOCAL_LOSS_H

#include "reduce.h"

namespace rn::cuda {

// How much workspace, aligned as cudaMalloc aligns, a focal loss of this shape and these parameters needs.
int64_t FocalLossWorkspaceBytes(const rn_focal_loss& op);

// Uploads what the parameters say of every class. Here and above only the shape and the parameters of `op` are read.
void PrepareFocalLoss(Device& device, const rn_focal_loss& op, void* workspace);

// Queues the chain; every array of `op` is in device memory, loss_sum and num_positive too. With `num_positive` (in
// device memory, known when the chain runs) nothing is counted and op.num_positive is not written. The loss is the sum
// of what is returned; without op.loss_sum that is left to the caller.
Partials QueueFocalLoss(Device& device, const rn_focal_loss& op, const double* num_positive, void* workspace);

}  // namespace rn::cuda

#endif
