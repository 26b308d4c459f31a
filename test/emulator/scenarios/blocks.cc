// What blocks may expect of each other: nothing but what atomic operations and fences say.
#include <cstdio>

#include "scenarios.h"

namespace scenarios {
namespace {

constexpr unsigned kBlocks = 64, kThreads = 32;
constexpr unsigned kSum = kBlocks * (kBlocks - 1) / 2;

struct Memory {
  float* parts;       // [kBlocks]
  float* out;         // 0 at first
  unsigned* counter;  // 0 at first
  unsigned* flags;    // [kBlocks], 0 at first
};

Memory Zeros(cudaStream_t stream) {
  float* const all = Allocate(stream, 2 * kBlocks + 2);
  cudaMemsetAsync(all, 0, (2 * kBlocks + 2) * sizeof *all, stream);
  auto* const counters = reinterpret_cast<unsigned*>(all + kBlocks + 1);
  return {all, all + kBlocks, counters, counters + 1};
}

// Prints whether the sum is right.
template <void (*kKernel)(Memory)>
cudaError_t RightSum(cudaStream_t stream) {
  const Memory memory = Zeros(stream);
  const cudaError_t error = Run(stream, kBlocks, kThreads, kKernel, memory);
  if (error == cudaSuccess) std::printf("%d ", *memory.out == kSum);
  return error;
}

void SumParts(const Memory& memory) {
  for (unsigned i = 0; i < gridDim.x; ++i) *memory.out += memory.parts[i];
}

// The last block to come sums what all have written.
enum class Fences { kBoth, kNone, kBefore, kAfter, kOfBlock };
template <Fences kFences>
void LastBlock(Memory memory) {
  if (threadIdx.x > 0) return;
  memory.parts[blockIdx.x] = static_cast<float>(blockIdx.x);
  if (kFences == Fences::kBoth || kFences == Fences::kBefore) __threadfence();
  if (kFences == Fences::kOfBlock) __threadfence_block();
  const bool last = atomicAdd(memory.counter, 1u) == gridDim.x - 1;
  if (kFences == Fences::kBoth || kFences == Fences::kAfter) __threadfence();
  if (kFences == Fences::kOfBlock) __threadfence_block();
  if (last) SumParts(memory);
}
const Scenario last_block("last-block", RightSum<LastBlock<Fences::kBoth>>);
const Scenario no_fences("last-block-without-fences", RightSum<LastBlock<Fences::kNone>>);
const Scenario fence_before("last-block-fence-before", RightSum<LastBlock<Fences::kBefore>>);
const Scenario fence_after("last-block-fence-after", RightSum<LastBlock<Fences::kAfter>>);
const Scenario fence_of_block("last-block-fence-of-block", RightSum<LastBlock<Fences::kOfBlock>>);

// Of a whole block, whose other threads know through barriers.
void LastBlockTogether(Memory memory) {
  RN_SHARED(bool, last);
  if (threadIdx.x == 7) memory.parts[blockIdx.x] = static_cast<float>(blockIdx.x);
  __syncthreads();
  if (threadIdx.x == 0) {
    __threadfence();
    last = atomicAdd(memory.counter, 1u) == gridDim.x - 1;
    __threadfence();
  }
  __syncthreads();
  if (last && threadIdx.x == 9) SumParts(memory);
}
const Scenario last_block_together("last-block-together", RightSum<LastBlockTogether>);

// The block of the highest number is not the last one to run.
void HighestBlock(Memory memory) {
  if (threadIdx.x > 0) return;
  memory.parts[blockIdx.x] = static_cast<float>(blockIdx.x);
  if (blockIdx.x == gridDim.x - 1) SumParts(memory);
}
const Scenario highest_block("highest-block", RightSum<HighestBlock>);

// A running sum over blocks: each waits for the one before it, in the order of their numbers or of their tickets.
template <bool kTickets, bool kVolatile>
void Chain(Memory memory) {
  if (threadIdx.x > 0) return;
  const unsigned place = kTickets ? atomicAdd(memory.counter, 1u) : blockIdx.x;
  const auto is_set = [&](unsigned* flag) {
    return kVolatile ? *const_cast<const volatile unsigned*>(flag) : atomicAdd(flag, 0u);
  };
  while (place > 0 && is_set(memory.flags + place - 1) == 0) {
  }
  __threadfence();
  memory.parts[place] = static_cast<float>(place) + (place > 0 ? memory.parts[place - 1] : 0);
  if (place == gridDim.x - 1) *memory.out = memory.parts[place];
  __threadfence();
  if (kVolatile) {
    *const_cast<volatile unsigned*>(memory.flags + place) = 1;
  } else {
    atomicExch(memory.flags + place, 1u);
  }
}
const Scenario chain_of_tickets("chain-of-tickets", RightSum<Chain<true, false>>);
const Scenario chain_of_numbers("chain-of-numbers", RightSum<Chain<false, false>>);
const Scenario volatile_chain("volatile-chain", RightSum<Chain<true, true>>);

// Looks first and takes later: alone it is right.
void LookThenTake(Memory memory) {
  RN_SHARED(unsigned, slot);
  if (threadIdx.x == 0) slot = atomicAdd(memory.counter, 0u);
  __syncthreads();
  if (threadIdx.x != 0) return;
  atomicAdd(memory.counter, 1u);
  atomicAdd(memory.out, static_cast<float>(slot));
}
const Scenario look_then_take("look-then-take", RightSum<LookThenTake>);

// Adds without an atomic operation.
void PlainAdd(Memory memory) {
  if (threadIdx.x == 0) *memory.out += static_cast<float>(blockIdx.x);
}
const Scenario plain_add("plain-add", RightSum<PlainAdd>);

// Everybody writes the same.
void SameValue(Memory memory) {
  if (threadIdx.x == 0) *memory.out = kSum;
}
const Scenario same_value("same-value", RightSum<SameValue>);

// One launch after the other, and memory of another size that lies where the first one's lay.
const Scenario launches("launches", [](cudaStream_t stream) {
  cudaError_t error = cudaSuccess;
  for (int i = 0; i < 3 && error == cudaSuccess; ++i) {
    const Memory memory = Zeros(stream);
    for (int k = 0; k < 2; ++k) error = Run(stream, kBlocks, kThreads, LastBlockTogether, memory);
    cudaFreeAsync(memory.parts, stream);
  }
  return error;
});

// Threads have their stacks one after the other, where device memory may have been before.
__attribute__((noinline)) void Fill(float* values, unsigned count, float value) {
  for (unsigned i = 0; i < count; ++i) values[i] = value;
}
void OwnStack(Memory memory) {
  float values[256];
  Fill(values, 256, static_cast<float>(blockIdx.x));
  if (threadIdx.x == 0) atomicAdd(memory.out, values[threadIdx.x]);
}
const Scenario own_stack("own-stack", [](cudaStream_t stream) {
  cudaError_t error = cudaSuccess;
  for (unsigned threads = 1; threads < 64 && error == cudaSuccess; ++threads) {
    // A mapping of its own, in whose place comes the stack of a thread that was not there before.
    cudaFreeAsync(Allocate(stream, 250'000 + threads * 10'000), stream);
    error = Run(stream, kBlocks, threads, OwnStack, Zeros(stream));
  }
  return error;
});

}  // namespace
}  // namespace scenarios
