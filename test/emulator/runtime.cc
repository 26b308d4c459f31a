// Devices, memory, streams, events and graphs. A stream is a list of work that runs when somebody waits for it, so that
// what forgets to wait reads garbage here as it would on a GPU on a bad day.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "process.h"

using emulator::current_device;
using emulator::NeedContext;
using emulator::Trace;

namespace {

using Work = std::function<void()>;

// Everything below is one thread's at a time.
std::recursive_mutex turn;

struct Allocation {
  size_t bytes;
  int device;  // -1: pinned host memory
  emulator_pool* pool;
};
std::map<const char*, Allocation> allocations;
cudaError_t sticky = cudaSuccess;
thread_local cudaError_t last = cudaSuccess;

cudaError_t Remember(cudaError_t error) {
  if (error != cudaSuccess) last = error;
  return error;
}

// Counts down what RETINANET_OPS_EMULATOR_FAIL names.
bool FailsNow(const char* kind) {
  static std::string seen;
  static long left = 0;
  const char* wanted = std::getenv("RETINANET_OPS_EMULATOR_FAIL");
  const std::string value = wanted ? wanted : "";
  const size_t colon = value.find(':');
  if (value != seen) {
    seen = value;
    left = colon == std::string::npos ? 0 : std::atol(value.c_str() + colon + 1);
  }
  return colon != std::string::npos && value.compare(0, colon, kind) == 0 && left > 0 && --left == 0;
}

// The allocation that holds the address.
std::map<const char*, Allocation>::const_iterator Find(const void* pointer) {
  const char* address = static_cast<const char*>(pointer);
  auto after = allocations.upper_bound(address);
  if (after == allocations.begin()) return allocations.end();
  --after;
  return address < after->first + std::max<size_t>(1, after->second.bytes) ? after : allocations.end();
}

bool IsPageable(const void* pointer) { return Find(pointer) == allocations.end(); }

cudaError_t Allocate(void** pointer, size_t bytes, int device, emulator_pool* pool = nullptr) {
  *pointer = nullptr;
  if (sticky != cudaSuccess) return sticky;
  if (FailsNow("malloc")) return cudaErrorMemoryAllocation;
  void* memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (!memory) return cudaErrorMemoryAllocation;
  std::memset(memory, 0xcb, bytes);
  allocations[static_cast<char*>(memory)] = {bytes, device, pool};
  if (pool) pool->Take(static_cast<int64_t>(bytes));
  *pointer = memory;
  return cudaSuccess;
}

void Free(void* pointer) {
  const auto found = allocations.find(static_cast<char*>(pointer));
  if (found == allocations.end()) {
    std::fprintf(stderr, "emulator: free of memory that was never allocated, or freed before\n");
    std::abort();
  }
  if (found->second.pool) found->second.pool->Give(static_cast<int64_t>(found->second.bytes));
  allocations.erase(found);
  std::free(pointer);
}

int DeviceCount() {
  const char* wanted = std::getenv("RETINANET_OPS_EMULATOR_DEVICES");
  return wanted ? std::min(16, std::atoi(wanted)) : 2;
}

bool DevicesAre(const char* what) {
  const char* wanted = std::getenv("RETINANET_OPS_EMULATOR_DEVICES");
  return wanted && std::strcmp(wanted, what) == 0;
}

}  // namespace

struct emulator_graph {
  std::vector<Work> work;
};

struct emulator_stream {
  int device;
  std::deque<Work> waiting;
  uint64_t queued = 0, done = 0;
  std::shared_ptr<emulator_graph> capture;  // set: work goes there

  void Add(Work work) {
    if (capture) {
      capture->work.push_back(std::move(work));
      return;
    }
    waiting.push_back(std::move(work));
    ++queued;
  }
  // Runs what was queued before `ticket`.
  void RunTo(uint64_t ticket) {
    while (done < ticket && !waiting.empty()) {
      const Work work = std::move(waiting.front());
      waiting.pop_front();
      ++done;
      work();
    }
  }
};

struct emulator_event {
  cudaStream_t stream = nullptr;
  uint64_t ticket = 0;
  bool sleeps = false;
};

namespace emulator {

thread_local int current_device = 0;

int AddressRange(uintptr_t* base, size_t* bytes, uintptr_t pointer) {
  const std::lock_guard<std::recursive_mutex> lock(turn);
  const void* address = nullptr;
  std::memcpy(&address, &pointer, sizeof address);
  const auto found = Find(address);
  if (found == allocations.end()) return 1;
  *base = reinterpret_cast<uintptr_t>(found->first);
  *bytes = found->second.bytes;
  return 0;
}

cudaError_t KernelImage() {
  const char* old = std::getenv("RETINANET_OPS_EMULATOR_OLD_DEVICES");
  for (const char* at = old; at && *at; ++at) {
    char* end = nullptr;
    if (std::strtol(at, &end, 10) == current_device && end != at) return Remember(cudaErrorNoKernelImageForDevice);
    at = *end ? end : end - 1;
  }
  return cudaSuccess;
}

cudaError_t Enqueue(const cudaLaunchConfig_t& config, const std::function<void()>& thread) {
  const std::lock_guard<std::recursive_mutex> lock(turn);
  if (sticky != cudaSuccess) return Remember(sticky);
  const dim3 grid = config.gridDim, block = config.blockDim;
  if (grid.x == 0 || grid.x > 0x7fffffffu || grid.y != 1 || grid.z != 1 || block.x == 0 || block.x > 1024 ||
      block.y != 1 || block.z != 1) {
    return Remember(cudaErrorInvalidConfiguration);
  }
  if (FailsNow("launch")) return Remember(cudaErrorLaunchOutOfResources);
  const bool lost = FailsNow("lost");
  config.stream->Add([=] {
    if (sticky != cudaSuccess) return;
    Trace("launch");
    const std::string fault = lost ? "the device was lost" : RunGrid(grid, block, thread);
    if (fault.empty()) return;
    std::fprintf(stderr, "emulator: %s\n", fault.c_str());
    sticky = cudaErrorLaunchFailure;
  });
  return cudaSuccess;
}

}  // namespace emulator

namespace {

std::vector<cudaStream_t> streams;

void RunAll() {
  for (cudaStream_t stream : streams) {
    if (stream->device == current_device && !stream->capture) stream->RunTo(stream->queued);
  }
}

cudaError_t Wait(cudaStream_t stream) {
  if (stream->capture) return Remember(cudaErrorStreamCaptureUnsupported);
  if (stream->done < stream->queued) Trace("a wait that does not sleep");
  stream->RunTo(stream->queued);
  emulator::AfterWait();
  return Remember(sticky);
}

}  // namespace

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInitializationError:
      return "cudaErrorInitializationError";
    case cudaErrorInvalidConfiguration:
      return "cudaErrorInvalidConfiguration";
    case cudaErrorInsufficientDriver:
      return "cudaErrorInsufficientDriver";
    case cudaErrorNoDevice:
      return "cudaErrorNoDevice";
    case cudaErrorNoKernelImageForDevice:
      return "cudaErrorNoKernelImageForDevice";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorInvalidResourceHandle:
      return "cudaErrorInvalidResourceHandle";
    case cudaErrorNotReady:
      return "cudaErrorNotReady";
    case cudaErrorLaunchOutOfResources:
      return "cudaErrorLaunchOutOfResources";
    case cudaErrorLaunchFailure:
      return "cudaErrorLaunchFailure";
    case cudaErrorStreamCaptureUnsupported:
      return "cudaErrorStreamCaptureUnsupported";
    default:  // never given
      break;
  }
  return "unknown";
}
const char* cudaGetErrorString(cudaError_t error) { return cudaGetErrorName(error); }
cudaError_t cudaGetLastError() {
  const cudaError_t error = sticky != cudaSuccess ? sticky : last;
  last = cudaSuccess;
  return error;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = DevicesAre("no-driver") ? 0 : DevicesAre("old-driver") ? 11040 : 13000;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) {
  *count = 0;
  if (DevicesAre("no-driver") || DevicesAre("old-driver")) return Remember(cudaErrorInsufficientDriver);
  *count = DeviceCount();
  return *count > 0 ? cudaSuccess : Remember(cudaErrorNoDevice);
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (device < 0 || device >= DeviceCount()) return Remember(cudaErrorInvalidDevice);
  *properties = {};
  std::snprintf(properties->name, sizeof properties->name, "Emulated device %d", device);
  properties->totalGlobalMem = size_t{8} << 30;
  const char* capability = std::getenv("RETINANET_OPS_EMULATOR_CAPABILITY");
  properties->major = 9;
  if (capability) std::sscanf(capability, "%d.%d", &properties->major, &properties->minor);
  properties->multiProcessorCount = 3;  // odd: nothing may rely on a power of two
  properties->maxThreadsPerMultiProcessor = 2048;
  properties->l2CacheSize = 1 << 20;
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** pointer, size_t bytes) {
  const std::lock_guard<std::recursive_mutex> lock(turn);
  NeedContext();
  return Remember(Allocate(pointer, bytes, current_device));
}
cudaError_t cudaFree(void* pointer) {
  const std::lock_guard<std::recursive_mutex> lock(turn);
  NeedContext();
  Trace("free");
  RunAll();  // CUDA waits for the device
  if (pointer) Free(pointer);
  return sticky;
}
cudaError_t cudaMallocFromPoolAsync(void** pointer, size_t bytes, cudaMemPool_t pool, cudaStream_t stream) {
  const std::lock_guard<std::recursive_mutex> lock(turn);
  if (stream->capture) return Remember(cudaErrorStreamCaptureUnsupported);
  return Remember(Allocate(pointer, bytes, stream->device, pool));
}
cudaError_t cudaMallocAsync(void** pointer, size_t bytes, cudaStream_t stream) {
  return cudaMallocFromPoolAsync(pointer, bytes, &emulator::DefaultPool(stream->device), stream);
}
cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) {
  const std::lock_guard<std::recursive_mutex> lock(turn);
  if (stream->capture) return Remember(cudaErrorStreamCaptureUnsupported);
  Trace("release");
  if (pointer) stream->Add([pointer] { Free(pointer); });
  return sticky;
}
cudaError_t cudaHostAlloc(void** pointer, size_t bytes, unsigned) {
  const std::lock_guard<std::recursive_mutex> lock(turn);
  NeedContext();
  return Remember(Allocate(pointer, bytes, -1));
}
cudaError_t cudaFreeHost(void* pointer) { return cudaFree(pointer); }
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  const std::lock_guard<std::recursive_mutex> lock(turn);
  *attributes = {};
  const auto found = Find(pointer);
  if (found == allocations.end()) return cudaSuccess;
  attributes->type = found->second.device < 0 ? cudaMemoryTypeHost : cudaMemoryTypeDevice;
  attributes->device = std::max(0, found->second.device);
  attributes->devicePointer = const_cast<void*>(pointer);
  attributes->hostPointer = found->second.device < 0 ? const_cast<void*>(pointer) : nullptr;
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  const std::lock_guard<std::recursive_mutex> lock(turn);
  if (sticky != cudaSuccess) return Remember(sticky);
  if (bytes == 0) return cudaSuccess;
  const bool from_pageable = IsPageable(from), to_pageable = IsPageable(to);
  if (from_pageable && to_pageable) return Remember(cudaErrorInvalidValue);
  if (from_pageable && !stream->capture) {  // CUDA has read pageable memory when it returns
    const auto* bytes_of = static_cast<const char*>(from);
    auto copy = std::make_shared<std::vector<char>>(bytes_of, bytes_of + bytes);
    stream->Add([=] { std::memcpy(to, copy->data(), bytes); });
    return cudaSuccess;
  }
  if (to_pageable && !stream->capture && stream->done < stream->queued) Wait(stream);
  stream->Add([=] {
    if (sticky == cudaSuccess) std::memcpy(to, from, bytes);
  });
  if (to_pageable && !stream->capture) stream->RunTo(stream->queued);  // and written it
  return Remember(sticky);
}
cudaError_t cudaMemsetAsync(void* pointer, int value, size_t bytes, cudaStream_t stream) {
  const std::lock_guard<std::recursive_mutex> lock(turn);
  if (sticky != cudaSuccess) return Remember(sticky);
  if (IsPageable(pointer)) return Remember(cudaErrorInvalidValue);
  stream->Add([=] { std::memset(pointer, value, bytes); });
  return cudaSuccess;
}

cudaError_t cudaMemcpyPeerAsync(void* to, int to_device, const void* from, int from_device, size_t bytes,
                                cudaStream_t stream) {
  const std::lock_guard<std::recursive_mutex> lock(turn);
  const auto there = Find(to), here = Find(from);
  if (there == allocations.end() || there->second.device != to_device) return Remember(cudaErrorInvalidValue);
  if (here == allocations.end() || here->second.device != from_device) return Remember(cudaErrorInvalidValue);
  return cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream);
}

cudaError_t cudaDeviceSynchronize() {
  const std::lock_guard<std::recursive_mutex> lock(turn);
  for (cudaStream_t stream : streams) {
    if (stream->device == current_device) stream->RunTo(stream->queued);
  }
  return Remember(sticky);
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  const std::lock_guard<std::recursive_mutex> lock(turn);
  if (sticky != cudaSuccess) return Remember(sticky);
  *stream = new emulator_stream{current_device, {}, 0, 0, nullptr};
  streams.push_back(*stream);
  return cudaSuccess;
}
cudaError_t cudaStreamGetDevice(cudaStream_t stream, int* device) {
  *device = stream->device;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const std::lock_guard<std::recursive_mutex> lock(turn);
  stream->RunTo(stream->queued);
  streams.erase(std::find(streams.begin(), streams.end(), stream));
  delete stream;
  return sticky;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const std::lock_guard<std::recursive_mutex> lock(turn);
  return Wait(stream);
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  NeedContext();
  *event = new emulator_event{nullptr, 0, (flags & cudaEventBlockingSync) != 0};
  return sticky;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return sticky;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const std::lock_guard<std::recursive_mutex> lock(turn);
  if (stream->capture) return Remember(cudaErrorStreamCaptureUnsupported);
  event->stream = stream;
  event->ticket = stream->queued;
  return Remember(sticky);
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const std::lock_guard<std::recursive_mutex> lock(turn);
  if (stream->capture) return Remember(cudaErrorStreamCaptureUnsupported);
  const emulator_event recorded = *event;  // as it is now: a later record does not count
  if (recorded.stream && recorded.stream != stream) {
    stream->Add([recorded] { recorded.stream->RunTo(recorded.ticket); });
  }
  return Remember(sticky);
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const std::lock_guard<std::recursive_mutex> lock(turn);
  if (event->stream) {
    if (!event->sleeps && event->stream->done < event->ticket) Trace("a wait that does not sleep");
    event->stream->RunTo(event->ticket);
  }
  emulator::AfterWait();
  return Remember(sticky);
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  const std::lock_guard<std::recursive_mutex> lock(turn);
  if (sticky != cudaSuccess) return Remember(sticky);
  return !event->stream || event->stream->done >= event->ticket ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  const std::lock_guard<std::recursive_mutex> lock(turn);
  if (stream->capture) return Remember(cudaErrorStreamCaptureUnsupported);
  stream->capture = std::make_shared<emulator_graph>();
  Trace("capture");
  return Remember(sticky);
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const std::lock_guard<std::recursive_mutex> lock(turn);
  *graph = stream->capture ? new emulator_graph(*stream->capture) : nullptr;
  stream->capture = nullptr;
  return *graph ? Remember(sticky) : Remember(cudaErrorInvalidValue);
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  *executable = new emulator_graph(*graph);
  return Remember(sticky);
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  const std::lock_guard<std::recursive_mutex> lock(turn);
  if (sticky != cudaSuccess) return Remember(sticky);
  if (FailsNow("launch")) return Remember(cudaErrorLaunchOutOfResources);
  Trace("replay");
  for (const Work& work : executable->work) stream->Add(work);
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return sticky;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return sticky;
}
