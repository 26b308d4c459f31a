#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>

#include "context.h"
#include "support.h"

namespace rn::cuda {
namespace {

constexpr int kMostDevices = 64;

using Clock = std::chrono::steady_clock;
constexpr std::chrono::microseconds kAsking{100};

std::mutex setting_up;
std::atomic<Device*> devices[kMostDevices];

// What the runtime cannot say or do without making a context. CUDA's driver is not linked to: the runtime has opened
// it.
struct Driver {
  int (*get_current)(void** context);
  int (*set_current)(void* context);
  int (*context_of)(cudaStream_t stream, void** context);
  int (*range_of)(uintptr_t* base, size_t* bytes, uintptr_t pointer);
};

template <class Function>
void Find(Function** function, const char* name, unsigned since) {
  void* entry = nullptr;
  cudaDriverEntryPointQueryResult found = cudaDriverEntryPointSymbolNotFound;
  RN_CUDA(cudaGetDriverEntryPointByVersion(name, &entry, since, cudaEnableDefault, &found));
  if (!entry || found != cudaDriverEntryPointSuccess) throw Failure{cudaErrorInitializationError, name};
  *function = reinterpret_cast<Function*>(entry);
}

Driver FindDriver() {
  Driver driver{};
  Find(&driver.get_current, "cuCtxGetCurrent", 4000);
  Find(&driver.set_current, "cuCtxSetCurrent", 4000);
  Find(&driver.context_of, "cuStreamGetCtx", 9020);
  Find(&driver.range_of, "cuMemGetAddressRange", 3020);
  return driver;
}

const Driver& DriverHere() {
  static const Driver driver = FindDriver();
  return driver;
}

}  // namespace

Current::Current(int device) {
  static_cast<void>(DriverHere().get_current(&before_));
  RN_CUDA(cudaSetDevice(device));
}

Current::Current(cudaStream_t stream) {
  static_cast<void>(DriverHere().get_current(&before_));
  void* context = nullptr;
  if (DriverHere().context_of(stream, &context) != 0 || DriverHere().set_current(context) != 0) {
    throw Failure{cudaErrorInvalidResourceHandle, "the context of a stream"};
  }
}

Current::~Current() { static_cast<void>(DriverHere().set_current(before_)); }

int64_t RoomFrom(const void* pointer) {
  const auto address = reinterpret_cast<uintptr_t>(pointer);
  uintptr_t base = 0;
  size_t bytes = 0;
  if (DriverHere().range_of(&base, &bytes, address) != 0) return -1;
  return static_cast<int64_t>(base + bytes - address);
}

Event::Event(cudaStream_t stream) {
  RN_CUDA(cudaEventCreateWithFlags(&event_, kSleep));
  const cudaError_t error = cudaEventRecord(event_, stream);
  if (error == cudaSuccess) return;
  static_cast<void>(cudaEventDestroy(event_));
  throw Failure{error, "cudaEventRecord"};
}

void Wait(cudaEvent_t event) {
  const Clock::time_point end = Clock::now() + kAsking;
  while (cudaEventQuery(event) == cudaErrorNotReady) {
    static_cast<void>(cudaGetLastError());  // is kept like a failure
    if (Clock::now() >= end) break;
    std::this_thread::yield();
  }
  // Even where it has come: pools give back what is above their limits in here only.
  Check(cudaEventSynchronize(event), "waiting for the device");
}

void Wait(cudaStream_t stream) { Wait(Event(stream).get()); }

rn_status StatusOf(const Failure& failure) {
  rn_status status{failure.error == cudaErrorMemoryAllocation ? RN_OUT_OF_MEMORY : RN_BACKEND_FAILURE, ""};
  if (status.code == RN_OUT_OF_MEMORY) {
    std::snprintf(status.message, sizeof status.message, "CUDA is out of memory (%s)", failure.call);
  } else {
    std::snprintf(status.message, sizeof status.message, "CUDA failed: %s (%s), in %s", cudaGetErrorName(failure.error),
                  cudaGetErrorString(failure.error), failure.call);
  }
  static_cast<void>(cudaGetLastError());  // has been told; a lost device tells it again by itself
  return status;
}

int Device::Count() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    return 0;
  }
  return count < kMostDevices ? count : kMostDevices;
}

Device& Device::Get(int32_t index) {
  if (index < 0 || index >= Count()) throw Failure{cudaErrorInvalidDevice, "the choice of the device"};
  if (Device* device = devices[index].load()) return *device;
  const std::lock_guard<std::mutex> lock(setting_up);
  if (Device* device = devices[index].load()) return *device;
  Check(RunsKernels(index), "the choice of the device");
  const Current current(index);
  auto device = std::make_unique<Device>();
  device->index = index;
  RN_CUDA(cudaDeviceGetAttribute(&device->multiprocessors, cudaDevAttrMultiProcessorCount, index));
  RN_CUDA(cudaDeviceGetAttribute(&device->threads_per_multiprocessor, cudaDevAttrMaxThreadsPerMultiProcessor, index));
  for (cudaStream_t* stream : {&device->stream, &device->copy_out, &device->reads}) {
    RN_CUDA(cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking));
  }
  device->pool.Open(index, device->stream);
  devices[index] = device.get();
  return *device.release();
}

Device& Device::Of(const rn_place& place) {
  return Get(place.memory == RN_DEVICE ? place.device : SupportHere().device);
}

int32_t Device::Any() {
  for (const std::atomic<Device*>& device : devices) {
    if (const Device* there = device.load()) return there->index;
  }
  return SupportHere().device;
}

void Device::ReleaseLater(void* pointer, cudaEvent_t last_use) {
  const std::lock_guard<std::mutex> lock(released_mutex_);
  released_.push_back({pointer, last_use});
}

void Device::ReleaseNow() {
  std::vector<Released> released;
  {
    const std::lock_guard<std::mutex> lock(released_mutex_);
    std::swap(released, released_);
  }
  for (const Released& each : released) {
    if (each.memory && each.event) static_cast<void>(cudaStreamWaitEvent(stream, each.event, 0));
    if (each.memory) pool.Release(each.memory);
    if (each.event) static_cast<void>(cudaEventDestroy(each.event));
  }
}

}  // namespace rn::cuda
