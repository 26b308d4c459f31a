#include "recycled_memory.h"

// Names and memory layout below are those of libstdc++, with which Node.js is built on Linux.
#if defined(__linux__) && defined(__GLIBCXX__) && (defined(__x86_64__) || defined(__aarch64__))

#include <dlfcn.h>
#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

namespace rn::addon::recycled {
namespace {

// Below this, fresh memory is cheap enough.
constexpr size_t kSmallest = size_t{1} << 16;
constexpr size_t kHugePage = size_t{1} << 21;

// Sizes in few steps, so that results of nearly one size share blocks, and such that blocks fill huge pages, whole or
// together: powers of two up to one, multiples of at most an eighth from 16.
size_t CapacityFor(size_t bytes) {
  size_t step = kSmallest;
  while (step < kHugePage && step < bytes) step *= 2;
  while (16 * step <= bytes) step *= 2;
  return (bytes + step - 1) / step * step;
}

struct Block {
  char* data;
  size_t capacity;
};

// Fresh memory where huge pages can lie, which take a tenth of the faults' time: a large block, or several small ones.
std::vector<Block> Map(size_t capacity) {
  const size_t count = std::max<size_t>(1, kHugePage / capacity);
  const size_t size = count * capacity;
  void* mapped = mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return {};
  const size_t before = kHugePage - reinterpret_cast<uintptr_t>(mapped) % kHugePage;
  auto* start = static_cast<char*>(mapped) + before;
  munmap(mapped, before);
  if (before < kHugePage) munmap(start + size, kHugePage - before);
  madvise(start, size, MADV_HUGEPAGE);
  std::vector<Block> blocks;
  for (size_t i = 0; i < count; ++i) blocks.push_back({start + i * capacity, capacity});
  return blocks;
}

// Under AddressSanitizer, free blocks are poisoned: use after return is found as use after free is.
class Pool {
 public:
  static Pool& Instance() {
    static Pool& pool = *new Pool;  // never destroyed: V8 frees the last arrays while the process ends
    return pool;
  }

  void* Take(size_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (bytes < kSmallest || bytes > figures_.limit) return nullptr;
    const size_t capacity = CapacityFor(bytes);
    // The one that returned last is the likeliest to be in a cache.
    auto found = std::find_if(free_.rbegin(), free_.rend(), [&](const Block& b) { return b.capacity == capacity; });
    if (found == free_.rend()) {
      free_.reserve(blocks_ + kHugePage / kSmallest);  // for all that there will be: Return must not fail
      for (const Block& block : Map(capacity)) {
        Keep(block);
        ++blocks_;
      }
      DropOverLimit();
      found = free_.rbegin();
      if (found == free_.rend() || found->capacity != capacity) return nullptr;
    }
    char* data = found->data;
    free_.erase(std::next(found).base());
    figures_.kept -= capacity;
    figures_.in_use += capacity;
    ASAN_UNPOISON_MEMORY_REGION(data, bytes);
    return data;
  }

  void Return(void* data, size_t bytes) {
    const Block block{static_cast<char*>(data), CapacityFor(bytes)};
    const std::lock_guard<std::mutex> lock(mutex_);
    figures_.in_use -= block.capacity;
    Keep(block);
    DropOverLimit();
  }

  void SetLimit(size_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    figures_.limit = bytes;
    DropOverLimit();
  }

  Figures GetFigures() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return figures_;
  }

 private:
  void Keep(const Block& block) {
    ASAN_POISON_MEMORY_REGION(block.data, block.capacity);
    figures_.kept += block.capacity;
    free_.push_back(block);
  }

  // Those that have been of no use for longest go first.
  void DropOverLimit() {
    auto block = free_.begin();
    for (; figures_.kept > figures_.limit; ++block) {
      figures_.kept -= block->capacity;
      ASAN_UNPOISON_MEMORY_REGION(block->data, block->capacity);
      munmap(block->data, block->capacity);
      --blocks_;
    }
    free_.erase(free_.begin(), block);
  }

  std::mutex mutex_;
  std::vector<Block> free_;  // by when they returned
  size_t blocks_ = 0;        // free or in use
  Figures figures_{};
};

// What is used of v8-array-buffer.h and v8-isolate.h, the same since V8 11 (Node.js 20). Names carry parameters' types.
struct BackingStore {};
struct Isolate;
struct DeleteStore {
  void operator()(BackingStore* store) const;
};
using Deleter = void (*)(void* data, size_t length, void* deleter_data);

struct V8 {
  Isolate* (*current_isolate)();
  std::unique_ptr<BackingStore, DeleteStore> (*new_backing_store)(void* data, size_t length, Deleter,
                                                                  void* deleter_data);
  void (*destroy_backing_store)(BackingStore*);
  napi_value (*new_array_buffer)(Isolate*, std::shared_ptr<BackingStore>);
  bool is_complete = true;

  V8() {
    Find("_ZN2v87Isolate10GetCurrentEv", &current_isolate);
    Find("_ZN2v811ArrayBuffer15NewBackingStoreEPvmPFvS1_mS1_ES1_", &new_backing_store);
    Find("_ZN2v812BackingStoreD1Ev", &destroy_backing_store);
    Find("_ZN2v811ArrayBuffer3NewEPNS_7IsolateESt10shared_ptrINS_12BackingStoreEE", &new_array_buffer);
  }

 private:
  template <class Function>
  void Find(const char* name, Function* function) {
    *function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
    is_complete = is_complete && *function;
  }
};

const V8& TheV8() {
  static const V8 v8;
  return v8;
}

void DeleteStore::operator()(BackingStore* store) const {
  TheV8().destroy_backing_store(store);
  ::operator delete(store);
}

// V8's sandbox would end the process where Node-API only refuses.
bool AllowsForeignMemory(Napi::Env env) {
  static char foreign;
  napi_value buffer;
  const napi_finalize nothing = [](napi_env, void*, void*) {};
  return napi_create_external_arraybuffer(env, &foreign, sizeof foreign, nothing, nullptr, &buffer) == napi_ok;
}

// One block there and back: detaching frees a backing store at once.
bool ComesBack(Napi::Env env) {
  Pool& pool = Pool::Instance();
  void* block = pool.Take(kSmallest);
  if (!block) return false;
  const Napi::Value buffer = ToArrayBuffer(env, block, kSmallest);
  void* data = nullptr;
  size_t length = 0;
  return napi_get_arraybuffer_info(env, buffer, &data, &length) == napi_ok && data == block && length == kSmallest &&
         pool.GetFigures().in_use == kSmallest && napi_detach_arraybuffer(env, buffer) == napi_ok &&
         pool.GetFigures().in_use == 0;
}

}  // namespace

bool IsPossible(Napi::Env env) {
  static const bool possible = [&] {
    if (!TheV8().is_complete || !AllowsForeignMemory(env)) return false;
    SetLimit(kSmallest);
    const bool comes_back = ComesBack(env);
    SetLimit(0);
    return comes_back;
  }();
  return possible;
}

void SetLimit(size_t bytes) { Pool::Instance().SetLimit(bytes); }
Figures GetFigures() { return Pool::Instance().GetFigures(); }
void* Take(size_t bytes) { return Pool::Instance().Take(bytes); }
void Return(void* block, size_t bytes) { Pool::Instance().Return(block, bytes); }

Napi::Value ToArrayBuffer(Napi::Env env, void* block, size_t bytes) {
  const V8& v8 = TheV8();
  const Deleter deleter = [](void* data, size_t length, void*) { Return(data, length); };
  return {env, v8.new_array_buffer(v8.current_isolate(), v8.new_backing_store(block, bytes, deleter, nullptr))};
}

}  // namespace rn::addon::recycled

#else

namespace rn::addon::recycled {

bool IsPossible(Napi::Env) { return false; }
void SetLimit(size_t) {}
Figures GetFigures() { return {}; }
void* Take(size_t) { return nullptr; }
void Return(void*, size_t) {}
Napi::Value ToArrayBuffer(Napi::Env env, void*, size_t) { return env.Undefined(); }

}  // namespace rn::addon::recycled

#endif
