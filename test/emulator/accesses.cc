#ifdef EMULATOR_RACES
#include "accesses.h"

#include <dlfcn.h>
#include <sys/mman.h>

#include <algorithm>
#include <bitset>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "block.h"

namespace emulator {

thread_local bool watching = false;

namespace {

// Who touched some of four bytes, when, and from where in the library.
struct Access {
  uint32_t who;  // block * 1024 + thread
  uint32_t time;
  uint32_t bytes : 4, code : 28;
};

// The last accesses to four bytes. What is forgotten may hide a race, and never invents one.
struct Cell {
  Access writes[2];  // the second: of bytes that the first left
  // The last one, the last of another thread of its block, the last of another block.
  Access reads[3], atomics[3];
};

// Pages of which something is or was watched, and which words of them are.
constexpr size_t kPageBits = 16, kTableBits = 16, kAddressBits = 48;
constexpr size_t kCells = (size_t{1} << kPageBits) / 4;
struct Page {
  Cell* cells;
  std::bitset<kCells> watched;
};
Page** tables[size_t{1} << (kAddressBits - kPageBits - kTableBits)];

Page*& PageOf(uintptr_t address, Page** table) { return table[address >> kPageBits & ((size_t{1} << kTableBits) - 1)]; }
size_t CellOf(uintptr_t address) { return address % (size_t{1} << kPageBits) / 4; }

// Null for memory that is not watched.
Cell* Find(uintptr_t address) {
  Page** const table = tables[address >> (kPageBits + kTableBits)];
  Page* const page = table ? PageOf(address, table) : nullptr;
  const size_t cell = CellOf(address);
  return page && page->watched[cell] ? page->cells + cell : nullptr;
}

Page& FindOrMakePage(uintptr_t address) {
  Page**& table = tables[address >> (kPageBits + kTableBits)];
  if (!table) table = static_cast<Page**>(std::calloc(size_t{1} << kTableBits, sizeof(void*)));
  Page*& page = PageOf(address, table);
  if (page) return *page;
  void* const cells =
      mmap(nullptr, kCells * sizeof(Cell), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (cells == MAP_FAILED) throw std::bad_alloc();
  page = new Page{static_cast<Cell*>(cells), {}};
  return *page;
}

// This library, from whose beginning code is counted.
const Dl_info library = [] {
  Dl_info info{};
  dladdr(&tables, &info);
  return info;
}();

bool IsOrdered(const Access& before) {
  const uint32_t block = before.who >> 10, thread = before.who & 1023;
  const Clock& clock = *running.clock;
  if (before.time < launch_start || (block == running.block && thread == running.thread)) return true;
  if (block == running.block && before.time < clock.barrier) return true;
  return clock.known.Of(NameOfBlock(block)) > before.time ||
         clock.known.Of(NameOfBlock(block) + 1 + thread) > before.time;
}

uint32_t racing_code[2];

[[noreturn, gnu::cold]] void Report(const Access& now, Kind kind, const Access& other, Kind kind_of_other) {
  static const char* const names[] = {"a read", "a write", "an atomic operation"};
  racing_code[0] = now.code;
  racing_code[1] = other.code;
  Fail(std::string(names[static_cast<int>(kind)]) + " races with " + names[static_cast<int>(kind_of_other)] +
       " of block " + std::to_string(other.who >> 10) + ", thread " + std::to_string(other.who & 1023));
}

template <size_t kCount>
void Compare(const Access& now, Kind kind, const Access (&others)[kCount], Kind kind_of_others) {
  for (const Access& other : others) {
    if ((other.bytes & now.bytes) != 0 && !IsOrdered(other)) Report(now, kind, other, kind_of_others);
  }
}

// Of two at one time, the same thread's.
void Join(Access& before, const Access& now) {
  const uint32_t bytes = before.who == now.who && before.time == now.time ? before.bytes | now.bytes : now.bytes;
  before = now;
  before.bytes = bytes & 15u;
}

void Note(Access (&last)[3], const Access& now) {
  if (last[0].who != now.who) last[last[0].who >> 10 == now.who >> 10 ? 1 : 2] = last[0];
  Join(last[0], now);
}

void Touch(Cell& cell, const Access& now, Kind kind) {
  const Access& last = kind == Kind::kRead ? cell.reads[0] : kind == Kind::kWrite ? cell.writes[0] : cell.atomics[0];
  // What others did since the same thread did the same, at the same time, has been compared with that.
  if (last.who == now.who && last.time == now.time && (now.bytes & ~last.bytes) == 0) return;
  Compare(now, kind, cell.writes, Kind::kWrite);
  if (kind != Kind::kRead) Compare(now, kind, cell.reads, Kind::kRead);
  if (kind != Kind::kAtomic) Compare(now, kind, cell.atomics, Kind::kAtomic);
  if (kind == Kind::kRead) return Note(cell.reads, now);
  if (kind == Kind::kAtomic) return Note(cell.atomics, now);
  if (cell.writes[0].bytes & ~now.bytes) cell.writes[1] = cell.writes[0];
  Join(cell.writes[0], now);
}

// The line of source, and that of the kernel that it was inlined into.
std::string SourceOf(uint32_t code) {
  char text[256] = {};
  std::string inner, outer;
  const std::string file = library.dli_fname, command = "addr2line -s -i -e '" + file + "' ";
  std::snprintf(text, sizeof text, "%#x 2>/dev/null", code - 1);
  if (FILE* lines = popen((command + text).c_str(), "r")) {
    while (std::fgets(text, sizeof text, lines)) {
      const std::string line(text, std::strcspn(text, " \n"));
      if (line.rfind("device_functions.h", 0) != 0) (inner.empty() ? inner : outer) = line;
    }
    pclose(lines);
  }
  if (inner.empty() || inner[0] == '?') return file + "+" + std::to_string(code);
  return outer.empty() ? inner : inner + " in " + outer;
}

}  // namespace

void Touch(const volatile void* address, size_t bytes, Kind kind, const void* code) {
  if (!watching) return;
  watching = false;  // what follows may itself be instrumented
  const uintptr_t first = reinterpret_cast<uintptr_t>(address), end = first + bytes;
  Access now{};
  now.who = running.block << 10 | running.thread;
  now.time = running.clock->now;
  now.code = static_cast<uint32_t>(static_cast<const char*>(code) - static_cast<const char*>(library.dli_fbase)) &
             ((1u << 28) - 1);
  for (uintptr_t word = first & ~uintptr_t{3}; word < end; word += 4) {
    Cell* const cell = Find(word);
    if (!cell) continue;
    const uint32_t from = word < first ? static_cast<uint32_t>(first - word) : 0;
    const uint32_t to = std::min<uint32_t>(4, static_cast<uint32_t>(end - word));
    now.bytes = ((1u << to) - (1u << from)) & 15u;
    Touch(*cell, now, kind);
  }
  watching = true;
}

void TouchAtomically(const volatile void* address, size_t bytes, const void* code) {
  Touch(address, bytes, Kind::kAtomic, code);
  PassOnAtomically(address);
}

void WatchMemory(const void* memory, size_t bytes, bool is_new) {
  const uintptr_t first = reinterpret_cast<uintptr_t>(memory);
  for (uintptr_t word = first; word < first + bytes; word += 4) {
    Page& page = FindOrMakePage(word);
    page.watched.set(CellOf(word));
    if (is_new) page.cells[CellOf(word)] = Cell{};
  }
}

void ForgetMemory(const void* memory, size_t bytes) {
  const uintptr_t first = reinterpret_cast<uintptr_t>(memory);
  for (uintptr_t word = first; word < first + bytes; word += 4) FindOrMakePage(word).watched.reset(CellOf(word));
}

std::string RacingSources() {
  if (racing_code[0] == 0) return "";
  return ": " + SourceOf(racing_code[0]) + " and " + SourceOf(racing_code[1]);
}

}  // namespace emulator
#endif
