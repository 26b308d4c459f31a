// How an operation meets JavaScript: constructed from a call's fields on the JavaScript thread, run there or on a
// worker thread, its result made on the JavaScript thread. Each is exported twice, `name` (synchronous) and `nameAsync`
// (promise), and `fields.name` is the list of its fields.
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
#include "field_groups.h"

namespace rn::addon {

class Operation {
 public:
  Operation() = default;
  virtual ~Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  // What has to happen at the time of the call, on the JavaScript thread.
  virtual rn_status Begin() { return {RN_OK, ""}; }
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

// An operation's constructor.
using Read = std::unique_ptr<Operation> (*)(Arguments& args);

// Exports `name`, `nameAsync` and `fields.name`.
void Export(Napi::Object exports, const char* name, Read read);

template <class Op>
void Export(Napi::Object exports, const char* name) {
  Export(exports, name, [](Arguments& args) -> std::unique_ptr<Operation> { return std::make_unique<Op>(args); });
}

// One function of every binding file.
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
