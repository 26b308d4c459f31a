#include "operation.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rn::addon {
namespace {

constexpr const char* kBackend = "backend";  // the first field of every operation

const rn_backend& UsableBackend(Napi::Env env, Arguments& args) {
  const BackendState state = FindBackend(static_cast<BackendId>(args.Count(kBackend)));
  if (!state.backend) {
    rn_status status{RN_BACKEND_FAILURE, ""};
    std::snprintf(status.message, sizeof status.message, "expected a usable backend: %s", state.reason);
    throw ToError(env, status);
  }
  return *state.backend;
}

struct Call {
  Call(const Napi::CallbackInfo& info, Read read) : Call(info.Env(), Arguments(info), read) {}

  const rn_backend& backend;
  const std::unique_ptr<Operation> operation;

 private:
  Call(Napi::Env env, Arguments&& args, Read read) : backend(UsableBackend(env, args)), operation(read(args)) {
    // No other backend may touch a device's memory.
    if (args.Place().memory == RN_DEVICE && &backend != FindBackend(BackendId::kCuda).backend) {
      args.Fail(kBackend, "the backend of the arrays' memory");
    }
    operation->held = args.TakeHeld();
    const rn_status status = operation->Begin();
    if (status.code != RN_OK) throw ToError(env, status);
  }
};

Read ReadOf(const Napi::CallbackInfo& info) { return *static_cast<const Read*>(info.Data()); }

Napi::Value CallSync(const Napi::CallbackInfo& info) {
  return Allocating(info.Env(), [&] {
    const Call call(info, ReadOf(info));
    const rn_status status = call.operation->Run(call.backend);
    if (status.code != RN_OK) throw ToError(info.Env(), status);
    return call.operation->Result(info.Env());
  });
}

class PromiseWorker final : public Napi::AsyncWorker {
 public:
  explicit PromiseWorker(const Napi::CallbackInfo& info)
      : Napi::AsyncWorker(info.Env(), "retinanet-ops"),
        call_(info, ReadOf(info)),
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
    auto worker = std::make_unique<PromiseWorker>(info);
    const Napi::Promise promise = worker->Promise();
    worker.release()->Queue();  // the worker deletes itself when done
    return promise;
  });
}

Napi::Array FieldsOf(Napi::Env env, Read read) {
  std::vector<std::string> names;
  Arguments args(&names);
  args.Count(kBackend);
  static_cast<void>(read(args));
  Napi::Array fields = Napi::Array::New(env, names.size());
  for (size_t i = 0; i < names.size(); ++i) fields[static_cast<uint32_t>(i)] = names[i];
  return fields;
}

}  // namespace

void Export(Napi::Object exports, const char* name, Read read) {
  const Napi::Env env = exports.Env();
  // Every context of every thread that loads the addon has functions of its own.
  auto* data = new Read(read);
  exports.AddFinalizer([](Napi::Env, Read* of) { delete of; }, data);
  const std::string async_name = std::string(name) + "Async";
  exports.Set(name, Napi::Function::New(env, CallSync, name, data));
  exports.Set(async_name, Napi::Function::New(env, CallAsync, async_name, data));
  exports.Get("fields").As<Napi::Object>().Set(name, FieldsOf(env, read));
}

}  // namespace rn::addon
