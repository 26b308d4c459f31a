// What is not an operation: threads, which backends there are, the search for values out of range.
#include <algorithm>
#include <cstdint>

#include "../backend/cuda_loader.h"
#include "../cpu/scan.h"
#include "../math/box_coder.h"
#include "../threads/cgroup.h"
#include "../threads/thread_pool.h"
#include "operation.h"
#include "recycled_memory.h"

namespace rn::addon {
namespace {

Napi::Value CpuInfo(const Napi::CallbackInfo& info) {
  const BackendState cpu = FindBackend(BackendId::kCpu);
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("available", cpu.backend != nullptr);
  if (cpu.backend) result.Set("instructionSet", cpu.backend->instruction_set);
  if (cpu.reason) result.Set("reason", cpu.reason);
  return result;
}

// "12.8" of 12080; CUDA says 0 where there is no driver.
Napi::Value Version(Napi::Env env, int32_t version) {
  if (version == 0) return env.Undefined();
  return Napi::String::New(env, std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10));
}

Napi::Value CudaInfo(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const CudaSupport& cuda = AskCuda();
  const rn_cuda_plugin* plugin = Cuda().plugin;
  Napi::Object result = Napi::Object::New(env);
  result.Set("available", !cuda.reason);
  if (cuda.reason) {
    result.Set("reason", cuda.reason);
    result.Set("detail", cuda.detail);
  }
  Napi::Array devices = Napi::Array::New(env);
  result.Set("devices", devices);
  if (!plugin) return result;
  int32_t driver = 0, runtime = 0;
  plugin->versions(&driver, &runtime);
  result.Set("driverVersion", Version(env, driver));
  result.Set("runtimeVersion", Version(env, runtime));
  if (!cuda.reason) result.Set("device", cuda.device);
  const int32_t count = cuda.reason ? 0 : plugin->device_count();
  for (int32_t i = 0; i < count; ++i) {
    rn_device_info device{};
    const rn_status status = plugin->device_info(i, &device);
    if (status.code != RN_OK) throw ToError(env, status);
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", device.name);
    entry.Set("computeCapability", std::to_string(device.compute_major) + "." + std::to_string(device.compute_minor));
    entry.Set("multiprocessors", device.multiprocessors);
    entry.Set("totalBytes", static_cast<double>(device.total_bytes));
    devices[static_cast<uint32_t>(i)] = entry;
  }
  return result;
}

// Of which nothing is known yet but that they are there; 0 where CUDA is out of the question.
Napi::Value CudaDeviceCount(const Napi::CallbackInfo& info) {
  const CudaState& cuda = Cuda();
  return Napi::Number::New(info.Env(), cuda.reason ? 0 : cuda.plugin->device_count());
}

Napi::Value NumThreads(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), rn::NumThreads()); }

// 0 restores the default.
void SetNumThreads(const Napi::CallbackInfo& info) {
  Arguments args(info);
  const int64_t count = args.Count("count");
  rn::SetNumThreads(count == 0 ? DefaultNumThreads() : static_cast<int>(std::min<int64_t>(count, kMaxThreads)));
}

// For the JavaScript thread that calls it.
void SetThreadsOfCaller(const Napi::CallbackInfo& info) {
  Arguments args(info);
  rn::SetThreadsOfCaller(static_cast<int>(std::min<int64_t>(args.Count("count"), kMaxThreads)));
}

// (root): what control groups grant, in cores.
Napi::Value CgroupCores(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), rn::CgroupCores(info[0].ToString().Utf8Value()));
}

// (values, lowest, highest)
Napi::Value FirstOutside(const Napi::CallbackInfo& info) {
  Arguments args(info);
  const bool integers = info[0].IsTypedArray() && info[0].As<Napi::TypedArray>().TypedArrayType() == napi_int32_array;
  int64_t found;
  if (integers) {
    const Slice<int32_t> values = args.HostArray<int32_t>("values", 0);
    const auto lowest = static_cast<int32_t>(args.Number("lowest"));
    const auto highest = static_cast<int32_t>(args.Number("highest"));
    found = cpu::FirstOutside(values.data, values.length, lowest, highest);
  } else {
    const Slice<float> values = args.HostArray<float>("values", 0);
    const auto lowest = static_cast<float>(args.Number("lowest"));
    const auto highest = static_cast<float>(args.Number("highest"));
    found = cpu::FirstOutside(values.data, values.length, lowest, highest);
  }
  return Napi::Number::New(info.Env(), static_cast<double>(found));
}

// (boxes, area)
Napi::Value FirstBadBox(const Napi::CallbackInfo& info) {
  Arguments args(info);
  const Slice<float> boxes = args.HostArray<float>("boxes", 0);
  const int64_t found = cpu::FirstBadBox(boxes.data, boxes.length / 4, args.Boolean("area"));
  return Napi::Number::New(info.Env(), static_cast<double>(found));
}

// (a, b)
Napi::Value BytesBetween(const Napi::CallbackInfo& info) {
  const char* starts[2] = {};
  for (size_t i = 0; i < 2; ++i) {
    void* data = nullptr;
    if (napi_get_typedarray_info(info.Env(), info[i], nullptr, nullptr, &data, nullptr, nullptr) != napi_ok) {
      throw Napi::TypeError::New(info.Env(), "expected two typed arrays");
    }
    starts[i] = static_cast<const char*>(data);
  }
  const auto distance = reinterpret_cast<intptr_t>(starts[1]) - reinterpret_cast<intptr_t>(starts[0]);
  return Napi::Number::New(info.Env(), static_cast<double>(distance));
}

// (array): how far behind the last multiple of 64 it begins
Napi::Value BytesIntoLine(const Napi::CallbackInfo& info) {
  void* data = nullptr;
  if (napi_get_typedarray_info(info.Env(), info[0], nullptr, nullptr, &data, nullptr, nullptr) != napi_ok) {
    throw Napi::TypeError::New(info.Env(), "expected a typed array");
  }
  return Napi::Number::New(info.Env(), static_cast<double>(reinterpret_cast<uintptr_t>(data) % 64));
}

// Whether memory can be recycled here.
Napi::Value CanRecycle(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), recycled::IsPossible(info.Env()));
}

// (bytes)
void SetRecycledLimit(const Napi::CallbackInfo& info) {
  recycled::SetLimit(static_cast<size_t>(Arguments(info).Count("bytes")));
}

Napi::Value RecycledMemory(const Napi::CallbackInfo& info) {
  const recycled::Figures figures = recycled::GetFigures();
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("limit", static_cast<double>(figures.limit));
  result.Set("kept", static_cast<double>(figures.kept));
  result.Set("inUse", static_cast<double>(figures.in_use));
  return result;
}

// (bytes)
Napi::Value RecycledBuffer(const Napi::CallbackInfo& info) {
  return Allocating(info.Env(), [&] {
    const auto bytes = static_cast<size_t>(Arguments(info).Count("bytes"));
    void* block = recycled::Take(bytes);
    return block ? recycled::ToArrayBuffer(info.Env(), block, bytes) : info.Env().Undefined();
  });
}

constexpr const char* kRegressionNames[] = {
#define RN_REGRESSION(KIND, name, Formula, width) name,
#include "../backend/regressions.def"
};

constexpr const char* kUnaryNames[] = {
#define RN_UNARY(Name, ...) #Name,
#include "../math/elementwise.def"
};
constexpr const char* kBinaryNames[] = {
#define RN_BINARY(Name, ...) #Name,
#include "../math/elementwise.def"
};
constexpr const char* kReductionNames[] = {"Sum", "Mean", "Max", "Min"};

// What lib/ names, by its names: an enumeration's values in their order.
template <size_t count>
Napi::Object Numbered(Napi::Env env, const char* const (&names)[count]) {
  Napi::Object result = Napi::Object::New(env);
  for (size_t i = 0; i < count; ++i) result.Set(names[i], static_cast<double>(i));
  return result;
}

Napi::Object Labels(Napi::Env env) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("background", static_cast<double>(RN_LABEL_BACKGROUND));
  result.Set("ignored", static_cast<double>(RN_LABEL_IGNORED));
  return result;
}

}  // namespace

void ExportRuntime(Napi::Object exports) {
  const Napi::Env env = exports.Env();
  exports.Set("cpuInfo", Napi::Function::New(env, CpuInfo, "cpuInfo"));
  exports.Set("cudaInfo", Napi::Function::New(env, CudaInfo, "cudaInfo"));
  exports.Set("cudaDeviceCount", Napi::Function::New(env, CudaDeviceCount, "cudaDeviceCount"));
  exports.Set("numThreads", Napi::Function::New(env, NumThreads, "numThreads"));
  exports.Set("firstOutside", Napi::Function::New(env, FirstOutside, "firstOutside"));
  exports.Set("firstBadBox", Napi::Function::New(env, FirstBadBox, "firstBadBox"));
  exports.Set("bytesBetween", Napi::Function::New(env, BytesBetween, "bytesBetween"));
  exports.Set("bytesIntoLine", Napi::Function::New(env, BytesIntoLine, "bytesIntoLine"));
  exports.Set("cgroupCores", Napi::Function::New(env, CgroupCores, "cgroupCores"));
  exports.Set("backends", Numbered(env, kBackendNames));
  exports.Set("dtypes", Numbered(env, kElementNames));
  exports.Set("regressions", Numbered(env, kRegressionNames));
  exports.Set("unaries", Numbered(env, kUnaryNames));
  exports.Set("binaries", Numbered(env, kBinaryNames));
  exports.Set("reductions", Numbered(env, kReductionNames));
  exports.Set("labels", Labels(env));
  exports.Set("largestLogSize", Napi::Number::New(env, static_cast<double>(kLargestLogSize)));
  exports.Set("maxThreads", Napi::Number::New(env, kMaxThreads));
  exports.Set("canRecycle", Napi::Function::New(env, CanRecycle, "canRecycle"));
  exports.Set("setRecycledLimit", Napi::Function::New(env, SetRecycledLimit, "setRecycledLimit"));
  exports.Set("recycledMemory", Napi::Function::New(env, RecycledMemory, "recycledMemory"));
  exports.Set("recycledBuffer", Napi::Function::New(env, RecycledBuffer, "recycledBuffer"));
  exports.Set("setNumThreads", Napi::Function::New(env, SetNumThreads, "setNumThreads"));
  exports.Set("setThreadsOfCaller", Napi::Function::New(env, SetThreadsOfCaller, "setThreadsOfCaller"));
}

}  // namespace rn::addon
