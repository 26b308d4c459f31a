// The ground that every CUDA operation stands on: errors, devices, a call's turn on a device, scratch memory.
#ifndef RETINANET_OPS_CUDA_CONTEXT_H
#define RETINANET_OPS_CUDA_CONTEXT_H

#include <cuda_runtime.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "../backend/cuda_plugin.h"
#include "pool.h"

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

// A device made current for the calling thread. At the end of its life the context that was current before is so again,
// or none: the thread may be in the middle of somebody else's work. (Setting the device back would make a context on
// device 0 where there was none.)
class Current {
 public:
  explicit Current(int device);
  explicit Current(cudaStream_t stream);  // its context; some context is current already
  ~Current();
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;

 private:
  void* before_ = nullptr;
};

// From the pointer to the end of its allocation in bytes; -1 where that is not known.
int64_t RoomFrom(const void* pointer);

// A point in a stream.
class Event {
 public:
  explicit Event(cudaStream_t stream);
  ~Event() {
    if (event_) static_cast<void>(cudaEventDestroy(event_));
  }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  cudaEvent_t get() const { return event_; }
  cudaEvent_t Take() { return std::exchange(event_, nullptr); }

 private:
  cudaEvent_t event_ = nullptr;
};
constexpr unsigned kSleep = cudaEventDisableTiming | cudaEventBlockingSync;

// Every wait of the host. Asks for a short while first, between which other threads run, because to be woken up takes
// longer than a small call; then sleeps and leaves the processor to others.
void Wait(cudaEvent_t event);
// Until all work queued on the stream has been done.
void Wait(cudaStream_t stream);

// One device, set up on first use. Never destroyed: at exit the driver may be gone before us.
struct Device {
  int index = 0;
  cudaStream_t stream = nullptr;    // all work, in order
  cudaStream_t copy_out = nullptr;  // the second direction of host arrays that stream through (arrays.h)
  cudaStream_t reads = nullptr;     // what is read after a wait of its own (reads.h)
  Pool pool;
  int multiprocessors = 0;
  int threads_per_multiprocessor = 0;
  std::mutex turn;       // one call at a time queues its work
  std::mutex recording;  // held while `stream` is recorded, and by those who use it out of turn
  std::mutex reading;    // of `reads`
  std::atomic<int64_t> tensor_bytes{0}, peak_bytes{0};

  static int Count();                 // 0 where CUDA is unusable
  static Device& Get(int32_t index);  // throws Failure
  static Device& Of(const rn_place& place);
  // One that is set up, whichever; else the one that Of() takes. For memory that all of them share.
  static int32_t Any();

  // Takes memory back at the next call, after what has been queued by then. For finalizers: it calls nothing of CUDA's
  // and waits for nobody.
  void ReleaseLater(void* pointer) { ReleaseLater(pointer, nullptr); }
  void ReleaseLater(cudaEvent_t event) { ReleaseLater(nullptr, event); }
  // Memory that another stream uses until the event, which goes with it.
  void ReleaseLater(void* pointer, cudaEvent_t last_use);
  void ReleaseNow();

 private:
  struct Released {
    void* memory;       // may be null
    cudaEvent_t event;  // may be null
  };
  std::mutex released_mutex_;
  std::vector<Released> released_;
};

// A call's turn on its device.
class Turn {
 public:
  explicit Turn(const rn_place& place) : device(Device::Of(place)), lock_(device.turn), current_(device.index) {
    device.ReleaseNow();
  }
  ~Turn() { device.ReleaseNow(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  Device& device;

 private:
  std::lock_guard<std::mutex> lock_;
  Current current_;
};

// Uninitialised scratch memory on the device, there until the work queued before the end of its life has been done.
template <class T>
class Scratch {
 public:
  Scratch(Device& device, int64_t count) : device_(device), count_(count) {
    if (count > 0) data_ = static_cast<T*>(device.pool.Allocate(count * static_cast<int64_t>(sizeof(T))));
  }
  ~Scratch() {
    if (data_) device_.pool.Release(data_);
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
