// What a new glibc would tie the binary to, bound to what old ones have too: linked on glibc 2.36, it loads on 2.27.
// Since 2.34 the functions of libpthread and libdl carry a new version although nothing about them changed, since 2.29
// exp, log and pow do (no more matherr), and libgcc's unwinder asks for _dl_find_object (2.35). The linker's --wrap
// sends every reference, those of the static libstdc++ and libgcc included, to a __wrap_ function here (wrap.txt has
// the list).
#include <features.h>

#if defined(__GLIBC__) && (defined(__x86_64__) || defined(__aarch64__))
// NOLINTBEGIN(bugprone-reserved-identifier,performance-no-int-to-ptr): the linker dictates the names, the unwinder
// deals in addresses.

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>

#include <cstdint>

#ifdef __x86_64__
#define RN_FIRST_GLIBC "GLIBC_2.2.5"
#else
#define RN_FIRST_GLIBC "GLIBC_2.17"
#endif

// `name` under the version it had in the first glibc of this processor.
#define RN_OLD(result, name, parameters, arguments)                          \
  __asm__(".symver rn_old_" #name ", " #name "@" RN_FIRST_GLIBC);            \
  extern "C" result rn_old_##name parameters;                                \
  extern "C" result __wrap_##name parameters; /* no header declares these */ \
  extern "C" result __wrap_##name parameters { return rn_old_##name arguments; }

RN_OLD(double, exp, (double x), (x))
RN_OLD(double, exp2, (double x), (x))
RN_OLD(double, log, (double x), (x))
RN_OLD(double, log2, (double x), (x))
RN_OLD(double, pow, (double x, double y), (x, y))
RN_OLD(void*, dlopen, (const char* file, int mode), (file, mode))
RN_OLD(void*, dlsym, (void* handle, const char* symbol), (handle, symbol))
RN_OLD(int, dlclose, (void* handle), (handle))
RN_OLD(char*, dlerror, (), ())
RN_OLD(int, dladdr, (const void* address, Dl_info* info), (address, info))
RN_OLD(int, pthread_create, (pthread_t * thread, const pthread_attr_t* attr, void* (*start)(void*), void* argument),
       (thread, attr, start, argument))
RN_OLD(int, pthread_detach, (pthread_t thread), (thread))
RN_OLD(int, pthread_join, (pthread_t thread, void** result), (thread, result))
RN_OLD(int, pthread_once, (pthread_once_t * once, void (*function)()), (once, function))
RN_OLD(int, pthread_mutex_trylock, (pthread_mutex_t * mutex), (mutex))
RN_OLD(int, pthread_key_create, (pthread_key_t * key, void (*destroy)(void*)), (key, destroy))
RN_OLD(int, __pthread_key_create, (pthread_key_t * key, void (*destroy)(void*)), (key, destroy))

// 2.32. libstdc++ spares atomic operations where it is not 0; a process with node in it never has one thread only.
extern "C" {
extern char __wrap___libc_single_threaded;
char __wrap___libc_single_threaded = 0;
}

#ifdef DLFO_EH_SEGMENT_TYPE
// 2.35. Which loaded object holds an address, and where its unwind tables lie: from dl_iterate_phdr, as before 2.35.
namespace {

struct Search {
  uintptr_t address;
  dl_find_object* result;
};

int Visit(dl_phdr_info* info, size_t, void* data) {
  const Search& search = *static_cast<Search*>(data);
  const ElfW(Phdr)* tables = nullptr;
  bool inside = false;
  uintptr_t first = UINTPTR_MAX, end = 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr) & header = info->dlpi_phdr[i];
    const uintptr_t start = info->dlpi_addr + header.p_vaddr;
    if (header.p_type == DLFO_EH_SEGMENT_TYPE) tables = &header;
    if (header.p_type != PT_LOAD) continue;
    if (search.address >= start && search.address < start + header.p_memsz) inside = true;
    if (start < first) first = start;
    if (start + header.p_memsz > end) end = start + header.p_memsz;
  }
  if (!inside || !tables) return 0;
  dl_find_object& result = *search.result;
  result = {};
  result.dlfo_map_start = reinterpret_cast<void*>(first);
  result.dlfo_map_end = reinterpret_cast<void*>(end);
  result.dlfo_eh_frame = reinterpret_cast<void*>(info->dlpi_addr + tables->p_vaddr);
  return 1;
}

}  // namespace

extern "C" int __wrap__dl_find_object(void* address, dl_find_object* result);
extern "C" int __wrap__dl_find_object(void* address, dl_find_object* result) {
  Search search{reinterpret_cast<uintptr_t>(address), result};
  return dl_iterate_phdr(Visit, &search) == 1 ? 0 : -1;
}
#endif

// NOLINTEND(bugprone-reserved-identifier,performance-no-int-to-ptr)
#endif
