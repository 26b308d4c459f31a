// Chains of launches that come again and again, as in a training loop, recorded as CUDA graphs: one call to the driver
// then starts them all.
#ifndef RETINANET_OPS_CUDA_GRAPHS_H
#define RETINANET_OPS_CUDA_GRAPHS_H

#include <functional>
#include <list>
#include <string>
#include <type_traits>

#include "context.h"

namespace rn::cuda {

// What makes one chain differ from another: every pointer, size and option that its launches hold. Arrays that are
// allocated anew for every call have no place in a chain: it would never come again.
class GraphKey {
 public:
  template <class... Parts>
  explicit GraphKey(const Parts&... parts) {
    (Add(parts), ...);
  }
  // Numbers and pointers only: the padding of a struct may be anything.
  template <class T>
  void Add(const T& part) {
    static_assert(std::is_arithmetic_v<T> || std::is_pointer_v<T> || std::is_enum_v<T>, "padding is not comparable");
    bytes.append(reinterpret_cast<const char*>(&part), sizeof part);
  }
  std::string bytes;
};

// Of one device, used during its turn.
class Graphs {
 public:
  // Queues what `queue` queues, which may launch kernels and set memory, no more. The first time a key comes this is
  // done one by one; the next time it is recorded, and from then on replayed. What cannot be recorded is queued as
  // ever.
  void Run(Device& device, const GraphKey& key, const std::function<void()>& queue);
  void Clear();

 private:
  enum class State { kSeen, kRecorded, kRefused };
  struct Entry {
    std::string key;
    State state;
    cudaGraphExec_t graph;
  };
  static void Drop(const Entry& entry);

  std::list<Entry> entries_;  // the one used last in front
};

}  // namespace rn::cuda

#endif
