#include "process.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <list>
#include <mutex>

using namespace emulator;

namespace {

constexpr int kMostDevices = 16;

struct Context {
  bool made = false;
};
Context contexts[kMostDevices];

// What somebody else has made current in every thread.
Context* CurrentAtFirst() {
  const char* wanted = std::getenv("RETINANET_OPS_EMULATOR_CURRENT");
  if (!wanted || !*wanted) return nullptr;
  Context* context = &contexts[std::atoi(wanted) % kMostDevices];
  context->made = true;
  return context;
}
thread_local Context* current = CurrentAtFirst();

std::recursive_mutex mutex;
emulator_pool defaults[kMostDevices];
std::list<emulator_pool> pools;

int DeviceOf(const Context* context) { return static_cast<int>(context - contexts); }

void MakeCurrent(Context* context) {
  if (context == current) return;
  current = context;
  Trace("current", context ? DeviceOf(context) : kNone);
}

void Make(int device) {
  MakeCurrent(&contexts[device]);
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  if (!current->made) Trace("context", device);
  current->made = true;
}

int CurrentContext(void** context) {
  *context = current;
  return 0;
}

int SetCurrentContext(void* context) {
  MakeCurrent(static_cast<Context*>(context));
  if (current) current_device = DeviceOf(current);
  return 0;
}

int ContextOfStream(cudaStream_t stream, void** context) {
  int device = 0;
  if (!stream || cudaStreamGetDevice(stream, &device) != cudaSuccess) return 400;
  *context = &contexts[device];
  return 0;
}

}  // namespace

namespace emulator {

void NeedContext() {
  if (!current) Make(current_device);
}

emulator_pool& DefaultPool(int device) { return defaults[device]; }

void AfterWait() {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  for (emulator_pool& pool : pools) pool.Trim(pool.threshold);
  for (emulator_pool& pool : defaults) pool.Trim(pool.threshold);
}

void Trace(const char* what, int device) {
  const char* name = std::getenv("RETINANET_OPS_EMULATOR_TRACE");
  if (!name || !*name) return;
  std::FILE* file = std::fopen(name, "a");
  if (!file) return;
  if (device == kUnsaid) {
    std::fprintf(file, "%s\n", what);
  } else if (device == kNone) {
    std::fprintf(file, "%s none\n", what);
  } else {
    std::fprintf(file, "%s %d\n", what, device);
  }
  std::fclose(file);
}

}  // namespace emulator

void emulator_pool::Take(int64_t bytes) {
  kept -= std::min(kept, bytes);
  used += bytes;
}
void emulator_pool::Give(int64_t bytes) {
  used -= bytes;
  kept += bytes;
}
void emulator_pool::Trim(uint64_t bytes) {
  const int64_t room = bytes > INT64_MAX ? INT64_MAX : static_cast<int64_t>(bytes);
  kept = std::min(kept, std::max<int64_t>(0, room - used));
}

cudaError_t cudaSetDevice(int device) {
  int count = 0;
  if (const cudaError_t error = cudaGetDeviceCount(&count)) return error;
  if (device < 0 || device >= count) return cudaErrorInvalidDevice;
  current_device = device;
  Make(device);  // since CUDA 12
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  *device = current ? DeviceOf(current) : current_device;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp properties;
  if (const cudaError_t error = cudaGetDeviceProperties(&properties, device)) return error;
  const char* without_pools = std::getenv("RETINANET_OPS_EMULATOR_NO_POOLS");
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
      *value = properties.multiProcessorCount;
      return cudaSuccess;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *value = properties.maxThreadsPerMultiProcessor;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
      *value = properties.major;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
      *value = properties.minor;
      return cudaSuccess;
    case cudaDevAttrMemoryPoolsSupported:
      *value = !without_pools || !*without_pools;
      return cudaSuccess;
  }
  return cudaErrorInvalidValue;
}

cudaError_t cudaGetDriverEntryPointByVersion(const char* name, void** entry, unsigned, unsigned long long,
                                             cudaDriverEntryPointQueryResult* found) {
  *entry = nullptr;
  if (!std::strcmp(name, "cuCtxGetCurrent")) *entry = reinterpret_cast<void*>(CurrentContext);
  if (!std::strcmp(name, "cuCtxSetCurrent")) *entry = reinterpret_cast<void*>(SetCurrentContext);
  if (!std::strcmp(name, "cuStreamGetCtx")) *entry = reinterpret_cast<void*>(ContextOfStream);
  if (!std::strcmp(name, "cuMemGetAddressRange")) *entry = reinterpret_cast<void*>(AddressRange);
  *found = *entry ? cudaDriverEntryPointSuccess : cudaDriverEntryPointSymbolNotFound;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  *pool = &defaults[device];
  return cudaSuccess;
}
cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps* properties) {
  const bool known = properties->allocType == cudaMemAllocationTypePinned &&
                     properties->handleTypes == cudaMemHandleTypeNone &&
                     properties->location.type == cudaMemLocationTypeDevice;
  if (!known) return cudaErrorInvalidValue;
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  *pool = &pools.emplace_back();
  return cudaSuccess;
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t bytes) {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  pool->Trim(bytes);
  return cudaSuccess;
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  if (attribute != cudaMemPoolAttrReleaseThreshold) return cudaErrorInvalidValue;
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  std::memcpy(&pool->threshold, value, sizeof pool->threshold);
  if (pool >= defaults && pool < defaults + kMostDevices) Trace("the default pool was changed");
  return cudaSuccess;
}
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  const uint64_t bytes = attribute == cudaMemPoolAttrReleaseThreshold ? pool->threshold
                         : attribute == cudaMemPoolAttrUsedMemCurrent ? static_cast<uint64_t>(pool->used)
                                                                      : static_cast<uint64_t>(pool->used + pool->kept);
  std::memcpy(value, &bytes, sizeof bytes);
  return cudaSuccess;
}
