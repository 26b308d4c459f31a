// Pinned host memory, which devices read and write by themselves. To make it and to free it may wait for all of them.
#ifndef RETINANET_OPS_CUDA_PINNED_H
#define RETINANET_OPS_CUDA_PINNED_H

#include <cstdint>

namespace rn::cuda {

void* AllocatePinned(int64_t bytes);
void ReleasePinned(void* pointer, int64_t bytes);
// For finalizers: calls nothing of CUDA's. What has been released so is freed by AllocatePinned(), or by a thread of
// its own that FreePinnedAside() starts: nobody else waits for the devices then.
void ReleasePinnedLater(void* pointer, int64_t bytes);
void FreePinnedAside();
int64_t PinnedBytes();  // of the process: handed out, and held for copies
bool IsPinned(const void* pointer);

}  // namespace rn::cuda

#endif
