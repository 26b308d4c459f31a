// How an operation meets JavaScript: constructed from the arguments on the JavaScript thread, run there or on a worker
// thread, its result made on the JavaScript thread. Each is exported twice: `name` (synchronous) and `nameAsync`
// (promise).
#ifndef RETINANET_OPS_OPERATION_H
#define RETINANET_OPS_OPERATION_H

#include <napi.h>

#include <cstdio>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

#include "../backend/registry.h"
#include "arguments.h"

namespace rn::addon {

class Operation {
 public:
  Operation() = default;
  virtual ~Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  virtual rn_status Run(const rn_backend& backend) = 0;
  virtual Napi::Value Result(Napi::Env env) { return env.Undefined(); }
  // What must live as long as the operation does.
  std::vector<std::shared_ptr<void>> held;
};

inline Napi::Error ToError(Napi::Env env, const rn_status& status) {
  Napi::Error error = Napi::Error::New(env, status.message);
  error.Set("code", status.code == RN_OUT_OF_MEMORY ? "ERR_OUT_OF_MEMORY" : "ERR_BACKEND");
  return error;
}

inline const rn_backend& UsableBackend(Napi::Env env, Arguments& args) {
  const BackendState state = FindBackend(static_cast<BackendId>(args.Count()));
  if (!state.backend) {
    rn_status status{RN_BACKEND_FAILURE, ""};
    std::snprintf(status.message, sizeof status.message, "expected a usable backend: %s", state.reason);
    throw ToError(env, status);
  }
  return *state.backend;
}

// A C++ exception that is no Napi::Error must not leave a callback.
template <class Body>
Napi::Value Allocating(Napi::Env env, const Body& body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    throw ToError(env, {RN_OUT_OF_MEMORY, "could not allocate scratch memory"});
  } catch (const std::length_error&) {
    throw ToError(env, {RN_OUT_OF_MEMORY, "scratch memory larger than the address space"});
  }
}

template <class Op>
std::unique_ptr<Operation> ReadOperation(Arguments& args, const rn_backend& backend) {
  auto operation = std::make_unique<Op>(args);
  // No other backend may touch a device's memory.
  if (args.Place().memory == RN_DEVICE && &backend != FindBackend(BackendId::kCuda).backend) {
    args.Fail("arrays in the host's memory for this backend");
  }
  operation->held = args.TakeHeld();
  return operation;
}

template <class Op>
Napi::Value CallSync(const Napi::CallbackInfo& info) {
  return Allocating(info.Env(), [&] {
    Arguments args(info);
    const rn_backend& backend = UsableBackend(info.Env(), args);
    const std::unique_ptr<Operation> operation = ReadOperation<Op>(args, backend);
    const rn_status status = operation->Run(backend);
    if (status.code != RN_OK) throw ToError(info.Env(), status);
    return operation->Result(info.Env());
  });
}

class PromiseWorker final : public Napi::AsyncWorker {
 public:
  PromiseWorker(const Napi::CallbackInfo& info, std::unique_ptr<Operation> operation, const rn_backend& backend)
      : Napi::AsyncWorker(info.Env(), "retinanet-ops"),
        operation_(std::move(operation)),
        backend_(backend),
        deferred_(Napi::Promise::Deferred::New(info.Env())) {
    // The arguments own the host memory that the operation reads and writes.
    Napi::Array held = Napi::Array::New(info.Env(), info.Length());
    for (size_t i = 0; i < info.Length(); ++i) held[static_cast<uint32_t>(i)] = info[i];
    held_ = Napi::Persistent(held.As<Napi::Object>());
  }

  Napi::Promise Promise() const { return deferred_.Promise(); }

  void Execute() override { status_ = operation_->Run(backend_); }

  void OnOK() override {
    if (status_.code != RN_OK) {
      deferred_.Reject(ToError(Env(), status_).Value());
      return;
    }
    try {
      deferred_.Resolve(Allocating(Env(), [&] { return operation_->Result(Env()); }));
    } catch (const Napi::Error& error) {
      deferred_.Reject(error.Value());
    }
  }

 private:
  std::unique_ptr<Operation> operation_;
  const rn_backend& backend_;
  Napi::Promise::Deferred deferred_;
  Napi::ObjectReference held_;
  rn_status status_{RN_OK, ""};
};

template <class Op>
Napi::Value CallAsync(const Napi::CallbackInfo& info) {
  return Allocating(info.Env(), [&]() -> Napi::Value {
    Arguments args(info);
    const rn_backend& backend = UsableBackend(info.Env(), args);
    auto* worker = new PromiseWorker(info, ReadOperation<Op>(args, backend), backend);
    const Napi::Promise promise = worker->Promise();
    worker->Queue();  // the worker deletes itself when done
    return promise;
  });
}

template <class Op>
void Export(Napi::Object exports, const char* name) {
  const Napi::Env env = exports.Env();
  exports.Set(name, Napi::Function::New(env, CallSync<Op>, name));
  const std::string async_name = std::string(name) + "Async";
  exports.Set(async_name, Napi::Function::New(env, CallAsync<Op>, async_name));
}

// One function a binding file.
void ExportFocalLoss(Napi::Object exports);
void ExportSmoothL1(Napi::Object exports);
void ExportAssign(Napi::Object exports);
void ExportBoxes(Napi::Object exports);
void ExportNms(Napi::Object exports);
void ExportDecodeDetections(Napi::Object exports);
void ExportRetinanetLoss(Napi::Object exports);
void ExportHardNegatives(Napi::Object exports);
void ExportDeviceMemory(Napi::Object exports);
void ExportDeviceInterop(Napi::Object exports);
void ExportRuntime(Napi::Object exports);

}  // namespace rn::addon

#endif
