#include "reads.h"
#include "transfer.h"

namespace rn::cuda {
namespace {

// Records at the end of its life, however that comes.
class RecordAtEnd {
 public:
  RecordAtEnd(cudaEvent_t event, cudaStream_t stream) : event_(event), stream_(stream) {}
  ~RecordAtEnd() { static_cast<void>(cudaEventRecord(event_, stream_)); }
  RecordAtEnd(const RecordAtEnd&) = delete;
  RecordAtEnd& operator=(const RecordAtEnd&) = delete;

 private:
  cudaEvent_t event_;
  cudaStream_t stream_;
};

}  // namespace

Queued::Queued(Device& device) {
  const Current current(device.index);
  const std::lock_guard<std::mutex> lock(device.recording);
  device.ReleaseNow();
  event_ = std::make_unique<Event>(device.stream);
}

void Queued::Wait() const { cuda::Wait(event()); }

DeviceRead::DeviceRead(Device& device, const void* from, int64_t bytes)
    : device_(device), from_(from), bytes_(bytes), aside_(PutAside(from)), queued_(device) {}

DeviceRead::~DeviceRead() {
  if (aside_) device_.ReleaseLater(aside_, queued_.Take());
}

void* DeviceRead::PutAside(const void* from) {
  if (bytes_ == 0) return nullptr;
  const Current current(device_.index);
  const std::lock_guard<std::mutex> lock(device_.recording);
  void* aside = nullptr;
  try {
    aside = device_.pool.Allocate(bytes_);
  } catch (const Failure& failure) {
    if (failure.error != cudaErrorMemoryAllocation) throw;
    static_cast<void>(cudaGetLastError());
    return nullptr;
  }
  const cudaError_t error =
      cudaMemcpyAsync(aside, from, static_cast<size_t>(bytes_), cudaMemcpyDeviceToDevice, device_.stream);
  if (error == cudaSuccess) return aside;
  device_.pool.Release(aside);
  throw Failure{error, "cudaMemcpyAsync"};
}

void DeviceRead::Finish(void* to) {
  queued_.Wait();
  if (bytes_ == 0) return;
  if (!aside_) {
    const Turn turn({RN_DEVICE, device_.index});
    return Download(device_.stream, to, from_, bytes_);
  }
  const std::lock_guard<std::mutex> lock(device_.reading);
  const Current current(device_.index);
  RN_CUDA(cudaStreamWaitEvent(device_.reads, queued_.event(), 0));  // has come; compute-sanitizer follows only streams
  const RecordAtEnd last_use(queued_.event(), device_.reads);
  Download(device_.reads, to, aside_, bytes_);
}

}  // namespace rn::cuda
