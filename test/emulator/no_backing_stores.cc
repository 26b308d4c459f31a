// As LD_AUDIT it hides from dlsym what V8 has for backing stores, as a Node.js with another V8 or another C++ library
// does.
#include <link.h>

#include <cstdint>
#include <cstring>

#define RN_VISIBLE extern "C" __attribute__((visibility("default")))

RN_VISIBLE unsigned int la_version(unsigned int) { return LAV_CURRENT; }

RN_VISIBLE unsigned int la_objopen(link_map*, Lmid_t, std::uintptr_t*) { return LA_FLG_BINDTO | LA_FLG_BINDFROM; }

RN_VISIBLE std::uintptr_t la_symbind64(Elf64_Sym* symbol, unsigned int, std::uintptr_t*, std::uintptr_t*,
                                       unsigned int* flags, const char* name) {
  const bool hidden = (*flags & LA_SYMB_DLSYM) && std::strstr(name, "BackingStore");
  return hidden ? 0 : symbol->st_value;
}
