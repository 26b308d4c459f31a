#include "scratch.h"

#include <algorithm>
#include <mutex>
#include <new>

namespace rn::cpu {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr int64_t kMostKept = 0;  // every array has its own end
#else
constexpr int64_t kMostKept = int64_t{4} << 20;  // floats: 16 MiB
#endif
constexpr std::align_val_t kAlignment{64};

struct Array {
  float* data;
  int64_t capacity;
};

class KeptArrays {
 public:
  KeptArrays() { arrays_.reserve(kMostArrays); }  // to keep one must not fail

  // The smallest that has room, and not much more; null where there is none.
  Array Take(int64_t count) {
    const std::lock_guard<std::mutex> lock(mutex_);
    auto best = arrays_.end();
    for (auto it = arrays_.begin(); it != arrays_.end(); ++it) {
      const bool fits = it->capacity >= count && it->capacity / 2 <= count;
      if (fits && (best == arrays_.end() || it->capacity < best->capacity)) best = it;
    }
    if (best == arrays_.end()) return {nullptr, 0};
    const Array array = *best;
    arrays_.erase(best);
    kept_ -= array.capacity;
    return array;
  }

  // Instead of those that have lain here for longest.
  void Keep(const Array& array) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (arrays_.size() == kMostArrays) FreeOldest();
    arrays_.push_back(array);
    kept_ += array.capacity;
    while (kept_ > kMostKept) FreeOldest();
  }

 private:
  static constexpr size_t kMostArrays = 64;

  void FreeOldest() {
    const Array oldest = arrays_.front();
    arrays_.erase(arrays_.begin());
    kept_ -= oldest.capacity;
    ::operator delete[](oldest.data, kAlignment);
  }

  std::mutex mutex_;
  std::vector<Array> arrays_;
  int64_t kept_ = 0;
};

// Never destroyed: threads may be at work while the process exits.
KeptArrays& Kept() {
  static KeptArrays* const kept = new KeptArrays;
  return *kept;
}

}  // namespace

ScratchFloats::ScratchFloats(int64_t count) {
  const Array kept = Kept().Take(count);
  data_ = kept.data;
  capacity_ = kept.capacity;
  if (data_) return;
  data_ = static_cast<float*>(::operator new[](static_cast<size_t>(count) * sizeof(float), kAlignment));
  capacity_ = count;
}

ScratchFloats::~ScratchFloats() {
  if (data_) Kept().Keep({data_, capacity_});
}

}  // namespace rn::cpu
