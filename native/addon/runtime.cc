// What is not an operation: threads, which backends there are, the search for values out of range.
#include <algorithm>

#include "../cpu/cgroup.h"
#include "../cpu/scan.h"
#include "../cpu/thread_pool.h"
#include "../math/box_coder.h"
#include "operation.h"

namespace rn::addon {
namespace {

Napi::Value BackendInfo(const Napi::CallbackInfo& info) {
  Napi::Object result = Napi::Object::New(info.Env());
  const BackendState states[] = {FindBackend(BackendId::kCpu), FindBackend(BackendId::kCuda)};
  const char* names[] = {"cpu", "cuda"};
  for (int i = 0; i < 2; ++i) {
    Napi::Object state = Napi::Object::New(info.Env());
    state.Set("available", states[i].backend != nullptr);
    if (states[i].backend) state.Set("instructionSet", states[i].backend->instruction_set);
    if (states[i].reason) state.Set("reason", states[i].reason);
    result.Set(names[i], state);
  }
  return result;
}

Napi::Value NumThreads(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), cpu::NumThreads()); }

// 0 restores the default.
void SetNumThreads(const Napi::CallbackInfo& info) {
  Arguments args(info);
  const int64_t count = args.Count();
  cpu::SetNumThreads(count == 0 ? cpu::DefaultNumThreads() : static_cast<int>(std::min<int64_t>(count, 1024)));
}

// (root): what control groups grant, in cores.
Napi::Value CgroupCores(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), cpu::CgroupCores(info[0].ToString().Utf8Value()));
}

// (values, lowest, highest)
Napi::Value FirstOutside(const Napi::CallbackInfo& info) {
  Arguments args(info);
  const bool integers = info[0].IsTypedArray() && info[0].As<Napi::TypedArray>().TypedArrayType() == napi_int32_array;
  int64_t found;
  if (integers) {
    const Slice<int32_t> values = args.Ints(0);
    const int32_t lowest = static_cast<int32_t>(args.Number()), highest = static_cast<int32_t>(args.Number());
    found = cpu::FirstOutside(values.data, values.length, lowest, highest);
  } else {
    const Slice<float> values = args.Floats(0);
    const float lowest = static_cast<float>(args.Number()), highest = static_cast<float>(args.Number());
    found = cpu::FirstOutside(values.data, values.length, lowest, highest);
  }
  return Napi::Number::New(info.Env(), static_cast<double>(found));
}

}  // namespace

void ExportRuntime(Napi::Object exports) {
  const Napi::Env env = exports.Env();
  exports.Set("backendInfo", Napi::Function::New(env, BackendInfo, "backendInfo"));
  exports.Set("numThreads", Napi::Function::New(env, NumThreads, "numThreads"));
  exports.Set("firstOutside", Napi::Function::New(env, FirstOutside, "firstOutside"));
  exports.Set("cgroupCores", Napi::Function::New(env, CgroupCores, "cgroupCores"));
  exports.Set("largestLogSize", Napi::Number::New(env, static_cast<double>(kLargestLogSize)));
  exports.Set("setNumThreads", Napi::Function::New(env, SetNumThreads, "setNumThreads"));
}

}  // namespace rn::addon
