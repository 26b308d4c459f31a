#include "operation.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rn::addon {
namespace {

constexpr const char* kBackend = "backend";

const rn_backend& UsableBackend(Napi::Env env, BackendId id) {
  const BackendState state = FindBackend(id);
  if (!state.backend) {
    rn_status status{RN_BACKEND_FAILURE, ""};
    std::snprintf(status.message, sizeof status.message, "expected a usable backend: %s", state.reason);
    throw ToError(env, status);
  }
  return *state.backend;
}

BackendId ReadBackend(Arguments& args, const Binding& binding) {
  if (binding.where == Binding::kOnEither) return static_cast<BackendId>(args.Count(kBackend));
  return binding.where == Binding::kOnCpu ? BackendId::kCpu : BackendId::kCuda;
}

struct Call {
  explicit Call(const Napi::CallbackInfo& info)
      : Call(info.Env(), Arguments(info), *static_cast<const Binding*>(info.Data())) {}

  const rn_backend& backend;
  const std::unique_ptr<Operation> operation;

 private:
  Call(Napi::Env env, Arguments&& args, const Binding& binding)
      : backend(UsableBackend(env, ReadBackend(args, binding))), operation(binding.read(args)) {
    // No other backend may touch a device's memory.
    if (args.Place().memory == RN_DEVICE && &backend != FindBackend(BackendId::kCuda).backend) {
      args.Fail(kBackend, "the backend of the arrays' memory");
    }
    operation->held = args.TakeHeld();
    const rn_status status = operation->Begin();
    if (status.code != RN_OK) throw ToError(env, status);
  }
};

Napi::Value CallSync(const Napi::CallbackInfo& info) {
  return Allocating(info.Env(), [&] {
    const Call call(info);
    const rn_status status = call.operation->Run(call.backend);
    if (status.code != RN_OK) throw ToError(info.Env(), status);
    return call.operation->Result(info.Env());
  });
}

class PromiseWorker final : public Napi::AsyncWorker {
 public:
  explicit PromiseWorker(const Napi::CallbackInfo& info)
      : Napi::AsyncWorker(info.Env(), "retinanet-ops"),
        call_(info),
        deferred_(Napi::Promise::Deferred::New(info.Env())) {
    // The arguments own the host memory that the operation reads and writes.
    Napi::Array held = Napi::Array::New(info.Env(), info.Length());
    for (size_t i = 0; i < info.Length(); ++i) held[static_cast<uint32_t>(i)] = info[i];
    held_ = Napi::Persistent(held.As<Napi::Object>());
  }

  Napi::Promise Promise() const { return deferred_.Promise(); }

  void Execute() override { status_ = call_.operation->Run(call_.backend); }

  void OnOK() override {
    if (status_.code != RN_OK) {
      deferred_.Reject(ToError(Env(), status_).Value());
      return;
    }
    try {
      deferred_.Resolve(Allocating(Env(), [&] { return call_.operation->Result(Env()); }));
    } catch (const Napi::Error& error) {
      deferred_.Reject(error.Value());
    }
  }

 private:
  const Call call_;
  Napi::Promise::Deferred deferred_;
  Napi::ObjectReference held_;
  rn_status status_{RN_OK, ""};
};

Napi::Value CallAsync(const Napi::CallbackInfo& info) {
  return Allocating(info.Env(), [&]() -> Napi::Value {
    auto* worker = new PromiseWorker(info);
    const Napi::Promise promise = worker->Promise();
    worker->Queue();  // the worker deletes itself when done
    return promise;   // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks)
  });
}

Napi::Array FieldsOf(Napi::Env env, const Binding& binding) {
  std::vector<std::string> names;
  Arguments args(env, &names);
  static_cast<void>(ReadBackend(args, binding));
  static_cast<void>(binding.read(args));
  Napi::Array fields = Napi::Array::New(env, names.size());
  for (size_t i = 0; i < names.size(); ++i) fields[static_cast<uint32_t>(i)] = names[i];
  return fields;
}

}  // namespace

void Export(Napi::Object exports, const Binding& binding) {
  const Napi::Env env = exports.Env();
  std::string name = binding.name;
  if (name[0] >= 'A' && name[0] <= 'Z') name[0] = static_cast<char>(name[0] - 'A' + 'a');
  void* const data = const_cast<Binding*>(&binding);
  exports.Set(name, Napi::Function::New(env, CallSync, name, data));
  exports.Set(name + "Async", Napi::Function::New(env, CallAsync, name + "Async", data));
  exports.Get("fields").As<Napi::Object>().Set(name, FieldsOf(env, binding));
}

}  // namespace rn::addon
