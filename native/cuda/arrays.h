// The arrays of a call, wherever they lie: those in device memory are used as they are, those in host memory are copied
// in before and out after, so that an operation is written once. Large host arrays go through pinned buffers in chunks
// (transfer.h); arrays that are themselves pinned go directly.
#ifndef RETINANET_OPS_CUDA_ARRAYS_H
#define RETINANET_OPS_CUDA_ARRAYS_H

#include <memory>
#include <vector>

#include "context.h"
#include "transfer.h"

namespace rn::cuda {

class Arrays {
 public:
  Arrays(Device& device, rn_memory memory) : device_(device), memory_(memory) {}

  // An input; null stays null. `memory` overrides where it lies (ground truth).
  template <class T>
  const T* In(const T* array, int64_t count, rn_memory memory) {
    if (memory == RN_DEVICE || !array || count == 0) return array;
    T* copy = static_cast<T*>(Allocate(count * static_cast<int64_t>(sizeof(T))));
    Upload(device_, copy, array, count * static_cast<int64_t>(sizeof(T)));
    return copy;
  }
  template <class T>
  const T* In(const T* array, int64_t count) {
    return In(array, count, memory_);
  }
  // An input that is always in host memory: parameters, offsets.
  template <class T>
  const T* FromHost(const T* array, int64_t count) {
    return In(array, count, RN_HOST);
  }

  // An output that is written whole; null stays null.
  template <class T>
  T* Out(T* array, int64_t count, rn_memory memory) {
    if (memory == RN_DEVICE || !array || count == 0) return array;
    T* place = static_cast<T*>(Allocate(count * static_cast<int64_t>(sizeof(T))));
    outputs_.push_back({array, place, count * static_cast<int64_t>(sizeof(T))});
    return place;
  }
  template <class T>
  T* Out(T* array, int64_t count) {
    return Out(array, count, memory_);
  }
  // An output that is always in host memory; in it only after Finish().
  template <class T>
  T* ToHost(T* array, int64_t count) {
    return Out(array, count, RN_HOST);
  }

  // Copies outputs to host memory and waits for them; work on device arrays alone stays queued.
  void Finish() {
    if (!outputs_.empty()) Download(device_.stream, outputs_);
    outputs_.clear();
  }

 private:
  void* Allocate(int64_t bytes) {
    scratch_.push_back(std::make_unique<Scratch<char>>(device_, bytes));
    return scratch_.back()->get();
  }

  Device& device_;
  rn_memory memory_;
  std::vector<std::unique_ptr<Scratch<char>>> scratch_;
  std::vector<HostCopy> outputs_;
};

}  // namespace rn::cuda

#endif
