#include "cuda_loader.h"

#include <cstdlib>

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace rn {
namespace {

#ifdef _WIN32
constexpr char kFileName[] = "retinanet_ops_cuda.dll";

std::string OwnFile() {
  HMODULE module = nullptr;
  char path[MAX_PATH] = "";
  GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                     reinterpret_cast<LPCSTR>(&Cuda), &module);
  const DWORD length = GetModuleFileNameA(module, path, MAX_PATH);
  return length < MAX_PATH ? path : "";
}

void* Open(const std::string& file, std::string* error) {
  HMODULE library = LoadLibraryExA(file.c_str(), nullptr, LOAD_WITH_ALTERED_SEARCH_PATH);
  if (!library) *error = file + ": Windows error " + std::to_string(GetLastError());
  return library;
}

void* Symbol(void* library, const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(library), name));
}
#else
#ifdef __APPLE__
constexpr char kFileName[] = "retinanet_ops_cuda.dylib";
#else
constexpr char kFileName[] = "retinanet_ops_cuda.so";
#endif

std::string OwnFile() {
  Dl_info info{};
  return dladdr(reinterpret_cast<void*>(&Cuda), &info) != 0 && info.dli_fname ? info.dli_fname : "";
}

void* Open(const std::string& file, std::string* error) {
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char* message = dlerror();
    *error = message ? message : file;
  }
  return library;
}

void* Symbol(void* library, const char* name) { return dlsym(library, name); }
#endif

std::string FileToOpen() {
  const char* given = std::getenv("RETINANET_OPS_CUDA_LIBRARY");
  if (given && *given) return given;
  const std::string own = OwnFile();
  const size_t slash = own.find_last_of("/\\");
  return (slash == std::string::npos ? "" : own.substr(0, slash + 1)) + kFileName;
}

// What JavaScript sees.
const char* NameOf(rn_cuda_reason reason) {
  switch (reason) {
    case RN_CUDA_USABLE:
      return nullptr;
    case RN_CUDA_NO_LIBRARY:
      return "no-library";
    case RN_CUDA_ABI_MISMATCH:
      return "abi-mismatch";
    case RN_CUDA_NO_DRIVER:
      return "no-driver";
    case RN_CUDA_OLD_DRIVER:
      return "old-driver";
    case RN_CUDA_NO_DEVICE:
      return "no-device";
    case RN_CUDA_OLD_DEVICE:
      return "old-device";
  }
  return "unknown";
}

CudaState Unusable(rn_cuda_reason reason, const std::string& detail) { return {nullptr, NameOf(reason), -1, detail}; }

CudaState Load() {
  const std::string file = FileToOpen();
  std::string error;
  void* library = Open(file, &error);
  if (!library) return Unusable(RN_CUDA_NO_LIBRARY, error);
  const auto entry = reinterpret_cast<rn_cuda_plugin_entry>(Symbol(library, RN_CUDA_PLUGIN_SYMBOL));
  const rn_cuda_plugin* plugin = entry ? entry(RN_ABI_VERSION) : nullptr;
  if (!plugin || plugin->abi_version != RN_ABI_VERSION) {
    return Unusable(RN_CUDA_ABI_MISMATCH, file + " was built for another version of this package");
  }
  int32_t device = -1;
  const char* detail = "";
  const rn_cuda_reason reason = plugin->unusable(&device, &detail);
  return {plugin, NameOf(reason), device, detail};
}

}  // namespace

const CudaState& Cuda() {
  // Never destroyed: a finalizer may still ask while the process ends.
  static const CudaState* const state = new CudaState(Load());
  return *state;
}

}  // namespace rn
