// What is not an operation: threads, and which backends there are.
#include <algorithm>

#include "../cpu/thread_pool.h"
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

}  // namespace

void ExportRuntime(Napi::Object exports) {
  const Napi::Env env = exports.Env();
  exports.Set("backendInfo", Napi::Function::New(env, BackendInfo, "backendInfo"));
  exports.Set("numThreads", Napi::Function::New(env, NumThreads, "numThreads"));
  exports.Set("setNumThreads", Napi::Function::New(env, SetNumThreads, "setNumThreads"));
}

}  // namespace rn::addon
