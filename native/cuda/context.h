// The ground that every CUDA operation stands on: errors, devices, a call's turn on a device, scratch memory.
#ifndef RETINANET_OPS_CUDA_CONTEXT_H
#define RETINANET_OPS_CUDA_CONTEXT_H

#include <cuda_runtime.h>

#include <cstdint>
#include <mutex>

#include "../backend/cuda_plugin.h"

namespace rn::cuda {

// A failed CUDA call, thrown. Guarded() turns it into the C table's status.
struct Failure {
  cudaError_t error;
  const char* call;
};

inline void Check(cudaError_t error, const char* call) {
  if (error != cudaSuccess) throw Failure{error, call};
}
#define RN_CUDA(call) ::rn::cuda::Check(call, #call)

rn_status StatusOf(const Failure& failure);

template <class Body>
rn_status Guarded(const Body& body);

// One device, set up on first use. Never destroyed: at exit the driver may be gone before us.
struct Device {
  int index = 0;
  cudaStream_t stream = nullptr;    // all work, in order
  cudaStream_t copy_out = nullptr;  // the second direction of host arrays that stream through (arrays.h)
  cudaMemPool_t pool = nullptr;     // keeps what was freed: scratch costs no system call
  int multiprocessors = 0;
  int threads_per_multiprocessor = 0;
  std::mutex turn;  // one call at a time queues its work
  int64_t tensor_bytes = 0, peak_bytes = 0;

  static int Count();                 // 0 where CUDA is unusable
  static Device& Get(int32_t index);  // throws Failure
  static Device& Of(const rn_place& place);
};

// A call's turn on its device.
class Turn {
 public:
  explicit Turn(const rn_place& place) : device(Device::Of(place)), lock_(device.turn) {
    RN_CUDA(cudaSetDevice(device.index));
  }
  Device& device;

 private:
  std::lock_guard<std::mutex> lock_;
};

// Uninitialised scratch memory on the device, there until the work queued before the end of its life has been done.
template <class T>
class Scratch {
 public:
  Scratch(Device& device, int64_t count) : device_(device), count_(count) {
    if (count > 0) {
      void* pointer = nullptr;
      RN_CUDA(cudaMallocAsync(&pointer, static_cast<size_t>(count) * sizeof(T), device.stream));
      data_ = static_cast<T*>(pointer);
    }
  }
  ~Scratch() {
    if (data_) static_cast<void>(cudaFreeAsync(data_, device_.stream));
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* get() const { return data_; }
  void Clear() {
    if (data_) RN_CUDA(cudaMemsetAsync(data_, 0, static_cast<size_t>(count_) * sizeof(T), device_.stream));
  }

 private:
  Device& device_;
  int64_t count_;
  T* data_ = nullptr;
};

template <class Body>
rn_status Guarded(const Body& body) {
  try {
    body();
    return {RN_OK, ""};
  } catch (const Failure& failure) {
    return StatusOf(failure);
  } catch (...) {  // std::bad_alloc, std::length_error: host memory
    return StatusOf({cudaErrorMemoryAllocation, "host memory"});
  }
}

}  // namespace rn::cuda

#endif
