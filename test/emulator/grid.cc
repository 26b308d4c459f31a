// In which order blocks and their threads run. What may not depend on it is right in every one of them.
#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <random>

#include "threads.h"

namespace emulator {
namespace {

// RETINANET_OPS_EMULATOR_ORDER: a name, and a seed after a colon.
struct Order {
  bool reversed, shuffled, interleaved;
  std::mt19937* random;

  static Order Wanted() {
    static std::string seen;
    static std::mt19937 random(1);
    const char* environment = std::getenv("RETINANET_OPS_EMULATOR_ORDER");
    const std::string value = environment ? environment : "", name = value.substr(0, value.find(':'));
    if (value != seen) {
      seen = value;
      random.seed(name == value ? 1 : static_cast<unsigned>(std::atoi(value.c_str() + name.size() + 1)));
    }
    const bool interleaved = name == "interleaved";
    return {name == "reverse", name == "shuffled" || interleaved, interleaved, &random};
  }

  size_t Below(size_t count) const { return (*random)() % count; }

  template <class T>
  std::vector<T> Of(T count) const {
    std::vector<T> numbers(count);
    std::iota(numbers.begin(), numbers.end(), T{0});
    if (reversed) std::reverse(numbers.begin(), numbers.end());
    if (shuffled) {
      for (size_t i = count; i > 1; --i) std::swap(numbers[i - 1], numbers[Below(i)]);
    }
    return numbers;
  }
};

}  // namespace

std::string RunGrid(dim3 grid, dim3 size, const std::function<void()>& body) {
  const Order order = Order::Wanted();
  const std::vector<unsigned> blocks = order.Of(grid.x);
  const std::vector<size_t> threads = order.Of(size_t{size.x});
  place.block_size = size;
  place.grid_size = grid;
  fault.clear();
  pauses_always = order.interleaved;
  BeginGrid();
  // As many blocks as a device runs at once take turns, of one thread up to some; or one runs to its end.
  const size_t most = order.interleaved ? size_t{kMultiprocessors} * kBlocksOfMultiprocessor : 1;
  std::vector<std::unique_ptr<Block>> alive;
  size_t next = 0;
  while (fault.empty() && (next < blocks.size() || !alive.empty())) {
    while (alive.size() < most && next < blocks.size()) {
      alive.push_back(std::make_unique<Block>(blocks[next++], size_t{size.x}));
    }
    const size_t turn = alive.size() > 1 ? order.Below(alive.size()) : 0;
    size_t steps = size_t{1} << (alive.size() > 1 ? order.Below(8) : 8);
    for (Block& block = *alive[turn]; steps > 0 && !block.done && fault.empty(); --steps) block.Step(threads, body);
    if (alive[turn]->done) alive.erase(alive.begin() + static_cast<std::ptrdiff_t>(turn));
  }
  return fault.empty() ? "" : fault + RacingSources();
}

}  // namespace emulator
