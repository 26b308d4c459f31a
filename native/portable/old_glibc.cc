// What a new glibc would tie a binary to, bound to what old ones have too: linked on glibc 2.36, it loads on 2.27.
// Since 2.34 the functions of libpthread, libdl and librt carry a new version although nothing about them changed,
// since 2.29 exp, log and pow do (no more matherr), and libgcc's unwinder asks for _dl_find_object (2.35). The linker's
// --wrap sends every reference, those of the static libstdc++, libgcc and CUDA runtime included, to a __wrap_ function
// here.
#include <features.h>

#if defined(__GLIBC__) && (defined(__x86_64__) || defined(__aarch64__))
// NOLINTBEGIN(bugprone-reserved-identifier,performance-no-int-to-ptr): the linker dictates the names, the unwinder
// deals in addresses.

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>

#ifdef __x86_64__
#define RN_FIRST_GLIBC "GLIBC_2.2.5"
#define RN_JUMP "jmp rn_old_"
#define RN_DLMOPEN_GLIBC "GLIBC_2.3.4"
#else
#define RN_FIRST_GLIBC "GLIBC_2.17"
#define RN_JUMP "b rn_old_"
#define RN_DLMOPEN_GLIBC RN_FIRST_GLIBC
#endif

// A jump to `name` under the version it had in an old glibc, whatever its parameters are; left out where nothing refers
// to it. CMakeLists.txt makes a --wrap of every line that begins with RN_OLD or RN_NEW.
// clang-format off
#define RN_OLD_SINCE(name, version)                                 \
  __asm__(".symver rn_old_" #name ", " #name "@" version "\n"       \
          ".pushsection .text.__wrap_" #name ", \"ax\", %progbits\n" \
          ".globl __wrap_" #name "\n"                               \
          ".hidden __wrap_" #name "\n"                              \
          ".type __wrap_" #name ", %function\n"                     \
          "__wrap_" #name ": " RN_JUMP #name "\n"                   \
          ".popsection");
#define RN_OLD(name) RN_OLD_SINCE(name, RN_FIRST_GLIBC)
// clang-format on
// Written out in this file.
#define RN_NEW(name)

RN_OLD(exp)
RN_OLD(exp2)
RN_OLD(log)
RN_OLD(log2)
RN_OLD(pow)
RN_OLD(dlopen)
RN_OLD(dlsym)
RN_OLD(dlvsym)
RN_OLD(dlclose)
RN_OLD(dlerror)
RN_OLD(dladdr)
RN_OLD(__pthread_key_create)
RN_OLD(pthread_create)
RN_OLD(pthread_detach)
RN_OLD(pthread_join)
RN_OLD(pthread_kill)
RN_OLD(pthread_once)
RN_OLD(pthread_getspecific)
RN_OLD(pthread_setspecific)
RN_OLD(pthread_key_create)
RN_OLD(pthread_key_delete)
RN_OLD(pthread_mutex_trylock)
RN_OLD(pthread_mutexattr_init)
RN_OLD(pthread_mutexattr_destroy)
RN_OLD(pthread_mutexattr_settype)
RN_OLD(pthread_mutexattr_setpshared)
RN_OLD(pthread_condattr_setpshared)
RN_OLD(pthread_rwlock_init)
RN_OLD(pthread_rwlock_destroy)
RN_OLD(pthread_rwlock_rdlock)
RN_OLD(pthread_rwlock_tryrdlock)
RN_OLD(pthread_rwlock_timedrdlock)
RN_OLD(pthread_rwlock_wrlock)
RN_OLD(pthread_rwlock_trywrlock)
RN_OLD(pthread_rwlock_timedwrlock)
RN_OLD(pthread_rwlock_unlock)
RN_OLD(pthread_rwlockattr_init)
RN_OLD(pthread_rwlockattr_destroy)
RN_OLD(pthread_rwlockattr_setpshared)
RN_OLD(pthread_spin_init)
RN_OLD(pthread_spin_destroy)
RN_OLD(pthread_spin_lock)
RN_OLD(pthread_spin_trylock)
RN_OLD(pthread_spin_unlock)
RN_OLD(sem_init)
RN_OLD(sem_destroy)
RN_OLD(sem_post)
RN_OLD(sem_wait)
RN_OLD(sem_trywait)
RN_OLD(sem_timedwait)
RN_OLD_SINCE(dlmopen, RN_DLMOPEN_GLIBC)
RN_NEW(shm_open)
RN_NEW(shm_unlink)
RN_NEW(__libc_single_threaded)
RN_NEW(_dl_find_object)

// Before 2.34 in librt, which node does not load.
namespace {

struct SharedMemoryPath {
  char text[512];
  explicit SharedMemoryPath(const char* name) {
    std::snprintf(text, sizeof text, "/dev/shm/%s", name + std::strspn(name, "/"));
  }
};

}  // namespace

extern "C" {
int __wrap_shm_open(const char* name, int flags, mode_t mode);
int __wrap_shm_unlink(const char* name);
int __wrap_shm_open(const char* name, int flags, mode_t mode) {
  return open(SharedMemoryPath(name).text, flags | O_NOFOLLOW | O_CLOEXEC, mode);
}
int __wrap_shm_unlink(const char* name) { return unlink(SharedMemoryPath(name).text); }

// 2.32. libstdc++ spares atomic operations where it is not 0; a process with node in it never has one thread only.
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
