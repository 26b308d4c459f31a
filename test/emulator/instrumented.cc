// What code compiled with -fsanitize=thread calls, in the place of ThreadSanitizer's runtime.
#ifdef EMULATOR_RACES
#include "accesses.h"
#include "block.h"

using emulator::Kind;
using emulator::Touch;

#define CODE __builtin_return_address(0)

// NOLINTBEGIN(bugprone-reserved-identifier,bugprone-macro-parentheses): the compiler dictates the names; types take
// none.
extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_read(void**) {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_read_range(void* address, size_t bytes) { Touch(address, bytes, Kind::kRead, CODE); }
void __tsan_write_range(void* address, size_t bytes) { Touch(address, bytes, Kind::kWrite, CODE); }

// Loops that wait for others read what is volatile.
static void TouchVolatile(void* address, size_t bytes, const void* code) {
  if (!emulator::watching) return;
  emulator::Pause();
  emulator::TouchAtomically(address, bytes, code);
}

#define PLAIN(bytes)                                                                                 \
  void __tsan_read##bytes(void* address) { Touch(address, bytes, Kind::kRead, CODE); }               \
  void __tsan_write##bytes(void* address) { Touch(address, bytes, Kind::kWrite, CODE); }             \
  void __tsan_unaligned_read##bytes(void* address) { Touch(address, bytes, Kind::kRead, CODE); }     \
  void __tsan_unaligned_write##bytes(void* address) { Touch(address, bytes, Kind::kWrite, CODE); }   \
  void __tsan_volatile_read##bytes(void* address) { TouchVolatile(address, bytes, CODE); }           \
  void __tsan_volatile_write##bytes(void* address) { TouchVolatile(address, bytes, CODE); }          \
  void __tsan_unaligned_volatile_read##bytes(void* address) { TouchVolatile(address, bytes, CODE); } \
  void __tsan_unaligned_volatile_write##bytes(void* address) { TouchVolatile(address, bytes, CODE); }
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

// std::atomic, which only the host's code uses.
#define ATOMIC(bits, T)                                                                                           \
  T __tsan_atomic##bits##_load(const volatile T* place, int) { return __atomic_load_n(place, __ATOMIC_SEQ_CST); } \
  void __tsan_atomic##bits##_store(volatile T* place, T value, int) {                                             \
    __atomic_store_n(place, value, __ATOMIC_SEQ_CST);                                                             \
  }                                                                                                               \
  T __tsan_atomic##bits##_exchange(volatile T* place, T value, int) {                                             \
    return __atomic_exchange_n(place, value, __ATOMIC_SEQ_CST);                                                   \
  }                                                                                                               \
  T __tsan_atomic##bits##_fetch_add(volatile T* place, T value, int) {                                            \
    return __atomic_fetch_add(place, value, __ATOMIC_SEQ_CST);                                                    \
  }                                                                                                               \
  T __tsan_atomic##bits##_fetch_sub(volatile T* place, T value, int) {                                            \
    return __atomic_fetch_sub(place, value, __ATOMIC_SEQ_CST);                                                    \
  }                                                                                                               \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile T* place, T* expected, T value, int, int) {          \
    return __atomic_compare_exchange_n(place, expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);        \
  }                                                                                                               \
  int __tsan_atomic##bits##_compare_exchange_weak(volatile T* place, T* expected, T value, int, int) {            \
    return __atomic_compare_exchange_n(place, expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);        \
  }
ATOMIC(8, unsigned char)
ATOMIC(32, unsigned)
ATOMIC(64, unsigned long)

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,bugprone-macro-parentheses)
#endif
