#include "cuda_loader.h"

#include <cstdlib>

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace rn {
namespace {

#ifdef _WIN32
constexpr char kFileName[] = "retinanet_ops_cuda.dll";

// Strings are UTF-8, as on other systems; Windows' own code page has no letters of other languages.
std::wstring Wide(const std::string& text) {
  const int bytes = static_cast<int>(text.size());
  std::wstring wide(static_cast<size_t>(MultiByteToWideChar(CP_UTF8, 0, text.data(), bytes, nullptr, 0)), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, text.data(), bytes, wide.data(), static_cast<int>(wide.size()));
  return wide;
}

std::string Utf8(const std::wstring& wide) {
  const int count = static_cast<int>(wide.size());
  const int bytes = WideCharToMultiByte(CP_UTF8, 0, wide.data(), count, nullptr, 0, nullptr, nullptr);
  std::string text(static_cast<size_t>(bytes), '\0');
  WideCharToMultiByte(CP_UTF8, 0, wide.data(), count, text.data(), bytes, nullptr, nullptr);
  return text;
}

constexpr DWORD kLongestPath = 32768;  // in characters, where paths may be long

std::string OwnFile() {
  HMODULE module = nullptr;
  GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                     reinterpret_cast<LPCWSTR>(&Cuda), &module);
  std::wstring path(kLongestPath, L'\0');
  path.resize(GetModuleFileNameW(module, path.data(), kLongestPath));
  return Utf8(path);
}

// Of the process: the C library would give what the variable was when the addon was loaded.
std::string Environment(const char* name) {
  std::wstring value(kLongestPath, L'\0');
  value.resize(GetEnvironmentVariableW(Wide(name).c_str(), value.data(), kLongestPath));
  return Utf8(value);
}

void* Open(const std::string& file, std::string* error) {
  HMODULE library = LoadLibraryExW(Wide(file).c_str(), nullptr, LOAD_WITH_ALTERED_SEARCH_PATH);
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

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
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
  std::string given = Environment("RETINANET_OPS_CUDA_LIBRARY");
  if (!given.empty()) return given;
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

CudaState Unusable(rn_cuda_reason reason, const std::string& detail) { return {nullptr, NameOf(reason), detail}; }

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
  const char* detail = "";
  const rn_cuda_reason reason = plugin->present(&detail);
  return {plugin, NameOf(reason), detail};
}

CudaSupport Ask() {
  const CudaState& state = Cuda();
  if (state.reason) return {state.reason, -1, state.detail};
  int32_t device = -1;
  const char* detail = "";
  const rn_cuda_reason reason = state.plugin->unusable(&device, &detail);
  return {NameOf(reason), device, detail};
}

}  // namespace

const CudaState& Cuda() {
  // Never destroyed: a finalizer may still ask while the process ends.
  static const CudaState* const state = new CudaState(Load());
  return *state;
}

const CudaSupport& AskCuda() {
  static const CudaSupport* const support = new CudaSupport(Ask());
  return *support;
}

}  // namespace rn
