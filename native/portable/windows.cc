// Windows: what makes one binary load in every process that offers Node-API, whatever its file is called, and stay
// there.
#ifdef _WIN32

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

namespace {

// A Worker that exits unloads its addons; the pool's threads would then run in unmapped code.
[[maybe_unused]] const bool pinned = [] {
  HMODULE module = nullptr;
  return GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                            reinterpret_cast<LPCWSTR>(&pinned), &module) != 0;
}();

}  // namespace

// Node-API's functions are looked up when they are first called (CMakeLists.txt), and not in a file called node.exe,
// which a renamed one and Electron are not. With Microsoft's compiler, cmake-js brings a hook of its own.
#ifdef __MINGW32__
#include <delayimp.h>

#include <cstring>

namespace {

FARPROC WINAPI FindHost(unsigned notification, PDelayLoadInfo info) {
  if (notification != dliNotePreLoadLibrary || _stricmp(info->szDll, "node.exe") != 0) return nullptr;
  const HMODULE library = GetModuleHandleW(L"libnode.dll");  // of a Node.js that is built as one
  return reinterpret_cast<FARPROC>(library ? library : GetModuleHandleW(nullptr));
}

}  // namespace

// NOLINTNEXTLINE(bugprone-reserved-identifier): the C library's name.
PfnDliHook __pfnDliNotifyHook2 = FindHost;  // the header declares it, with the linkage of C
#endif

#endif
