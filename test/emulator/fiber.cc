#include "fiber.h"

#include <sys/mman.h>
#include <ucontext.h>

#include <cstdint>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define EMULATOR_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EMULATOR_ASAN
#endif
#endif
#ifdef EMULATOR_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

#ifdef __x86_64__
// Saves what a call preserves, swaps stacks. swapcontext would enter the kernel twice for the signal mask.
extern "C" void emulator_switch(void** save, void* load);
__asm__(
    ".text\n.type emulator_switch,@function\n"
    "emulator_switch:\n"
    "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
    "  movq %rsp, (%rdi)\n  movq %rsi, %rsp\n"
    "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n  ret\n"
    ".size emulator_switch, .-emulator_switch\n");
#endif

namespace emulator {

namespace {
constexpr size_t kStackBytes = size_t{256} << 10;
// Stacks begin at different places of a page: the tops of hundreds would share a few lines of the cache.
constexpr size_t kColours = 61, kCacheLine = 64;
}  // namespace

struct Fiber::Context {
  char* stack = nullptr;
  size_t used_bytes = kStackBytes;
  FiberBody body = nullptr;
  void* argument = nullptr;
  bool done = true;
#ifdef __x86_64__
  void* inside = nullptr;
  void* outside = nullptr;
#else
  ucontext_t inside, outside;
#endif
  void* fake_stack_inside = nullptr;
  void* fake_stack_outside = nullptr;
  const void* outer_stack = nullptr;
  size_t outer_bytes = 0;

  void Enter() {
    Context* const before = running;
    running = this;
#ifdef EMULATOR_ASAN
    __sanitizer_start_switch_fiber(&fake_stack_outside, stack, kStackBytes);
#endif
#ifdef __x86_64__
    emulator_switch(&outside, inside);
#else
    swapcontext(&outside, &this->inside);
#endif
#ifdef EMULATOR_ASAN
    __sanitizer_finish_switch_fiber(fake_stack_outside, nullptr, nullptr);
#endif
    running = before;
  }

  void Leave() {
#ifdef EMULATOR_ASAN
    __sanitizer_start_switch_fiber(done ? nullptr : &fake_stack_inside, outer_stack, outer_bytes);
#endif
#ifdef __x86_64__
    emulator_switch(&inside, outside);
#else
    swapcontext(&this->inside, &outside);
#endif
    Arrived();
  }

  void Arrived() {
#ifdef EMULATOR_ASAN
    __sanitizer_finish_switch_fiber(fake_stack_inside, &outer_stack, &outer_bytes);
#endif
  }

  static void Main() {
    Context* const self = running;
    self->fake_stack_inside = nullptr;
    self->Arrived();
    self->body(self->argument);
    self->done = true;
    self->Leave();
    std::abort();  // nobody resumes what is done
  }

  static Context* running;
};

Fiber::Context* Fiber::Context::running = nullptr;

Fiber::Fiber() : context_(new Context) {
  void* stack = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stack == MAP_FAILED) throw std::bad_alloc();
  context_->stack = static_cast<char*>(stack);
  static size_t count = 0;
  context_->used_bytes -= count++ % kColours * kCacheLine;
}

Fiber::~Fiber() {
  munmap(context_->stack, kStackBytes);
  delete context_;
}

bool Fiber::Start(FiberBody body, void* argument) {
  Context& c = *context_;
  c.body = body;
  c.argument = argument;
  c.done = false;
#ifdef __x86_64__
  // What emulator_switch pops: six registers, then the address that it returns to, on a stack aligned as by a call.
  auto* top = reinterpret_cast<uintptr_t*>(c.stack + c.used_bytes) - 1;
  *top = 0;
  *--top = reinterpret_cast<uintptr_t>(&Context::Main);
  for (int i = 0; i < 6; ++i) *--top = 0;
  c.inside = top;
#else
  getcontext(&c.inside);
  c.inside.uc_stack.ss_sp = c.stack;
  c.inside.uc_stack.ss_size = c.used_bytes;
  c.inside.uc_link = nullptr;
  makecontext(&c.inside, &Context::Main, 0);
#endif
  c.Enter();
  return c.done;
}

bool Fiber::Resume() {
  context_->Enter();
  return context_->done;
}

void Fiber::Yield() { Context::running->Leave(); }

}  // namespace emulator
