// Bytes between host and device, on the device's stream.
#ifndef RETINANET_OPS_CUDA_TRANSFER_H
#define RETINANET_OPS_CUDA_TRANSFER_H

#include "context.h"

namespace rn::cuda {

// Queues a copy to the device. `from` may be reused on return unless it is pinned memory.
void Upload(Device& device, void* to, const void* from, int64_t bytes);

// Queues a copy to the host; `to` has the bytes once the stream has been synchronised.
void Download(Device& device, void* to, const void* from, int64_t bytes);

// Whether the array lies in pinned memory, which the device reads and writes by itself.
bool IsPinned(const void* pointer);

}  // namespace rn::cuda

#endif
