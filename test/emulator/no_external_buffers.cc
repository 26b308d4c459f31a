// As LD_AUDIT it makes Node.js forbid ArrayBuffers over foreign memory, as Electron does. (A preloaded function would
// not be found: the executable's own comes first.)
#include <link.h>

#include <cstdint>
#include <cstring>

#define RN_VISIBLE extern "C" __attribute__((visibility("default")))

namespace {
int Forbidden(void*, void*, std::size_t, void (*)(void*, void*, void*), void*, void**) {
  return 22;  // napi_no_external_buffers_allowed
}
}  // namespace

RN_VISIBLE unsigned int la_version(unsigned int) { return LAV_CURRENT; }

RN_VISIBLE unsigned int la_objopen(link_map*, Lmid_t, std::uintptr_t*) { return LA_FLG_BINDTO | LA_FLG_BINDFROM; }

RN_VISIBLE std::uintptr_t la_symbind64(Elf64_Sym* symbol, unsigned int, std::uintptr_t*, std::uintptr_t*, unsigned int*,
                                       const char* name) {
  const bool ours = std::strcmp(name, "napi_create_external_arraybuffer") == 0;
  return ours ? reinterpret_cast<std::uintptr_t>(&Forbidden) : symbol->st_value;
}
