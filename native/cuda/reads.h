// Reading a device's memory, and waiting for it, without holding up other calls: a point in the queue is fixed at once,
// and whoever wants to wait for it does so on another thread, asleep.
#ifndef RETINANET_OPS_CUDA_READS_H
#define RETINANET_OPS_CUDA_READS_H

#include "context.h"

namespace rn::cuda {

// What the device's queue has come to. Does not wait for the calls that are in their turn.
class Queued {
 public:
  explicit Queued(Device& device);
  void Wait() const;
  cudaEvent_t event() const { return event_->get(); }
  cudaEvent_t Take() { return event_->Take(); }

 private:
  std::unique_ptr<Event> event_;
};

// Bytes as they are once what has been queued so far is done: what is queued later neither shows in them nor is waited
// for. They are put aside on the device meanwhile. Where it has no room for that, Finish() reads them in place, after
// whatever has been queued by then.
class DeviceRead {
 public:
  DeviceRead(Device& device, const void* from, int64_t bytes);
  ~DeviceRead();
  DeviceRead(const DeviceRead&) = delete;
  DeviceRead& operator=(const DeviceRead&) = delete;
  void Finish(void* to);

 private:
  void* PutAside(const void* from);

  Device& device_;
  const void* from_;
  int64_t bytes_;
  void* aside_;
  Queued queued_;
};

}  // namespace rn::cuda

#endif
