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

// An operation as JavaScript sees it.
struct Binding {
  // Of an operation on either backend the first field is the backend's number.
  enum Where { kOnEither, kOnCpu, kOnDevice };
  const char* name;  // but for the first letter, which becomes a small one
  std::unique_ptr<Operation> (*read)(Arguments& args);
  Where where;
};

// Exports `name`, `nameAsync` and `fields.name`. The binding lives as long as the process.
void Export(Napi::Object exports, const Binding& binding);

template <class Op>
std::unique_ptr<Operation> Read(Arguments& args) {
  return std::make_unique<Op>(args);
}

// Where fields of the operations in operations.def are read.
#define RN_OPERATION(Name, name, parameters) std::unique_ptr<Operation> Read##Name(Arguments& args);
#define RN_STEP(Name, name, parameters)
#define RN_CPU_OPERATION(Name, parameters) std::unique_ptr<Operation> Read##Name(Arguments& args);
#include "../backend/operations.def"
#define RN_BIND(Name) \
  std::unique_ptr<Operation> Read##Name(Arguments& args) { return Read<Name>(args); }

// What else the addon exports.
void ExportDeviceMemory(Napi::Object exports);
void ExportDeviceInterop(Napi::Object exports);
void ExportRuntime(Napi::Object exports);

}  // namespace rn::addon

#endif
