// Memory of large results, used again and again. Fresh memory costs a page fault every 4 KiB, which takes several times
// as long as the operation that fills it.
//
// A block returns when V8 frees the ArrayBuffer over it, whichever thread that has gone to. Node-API cannot tell when:
// its external ArrayBuffers are not transferable, and their finalizers wait for the event loop, so that a loop which
// never awaits gets nothing back; a weak reference tells of an object, whose memory ArrayBuffer.prototype.transfer may
// have moved to another. V8's public interface can: a backing store calls a deleter when its last owner is gone. Its
// functions are looked up by name at run time, and one block is sent there and back; where that fails, and where
// Node-API forbids buffers over foreign memory, nothing is recycled. What remains outside of Node-API's promise is that
// these names keep their meaning: lib/recycling.ts starts this only in versions of Node.js that it has been tested
// with.
#ifndef RETINANET_OPS_RECYCLED_MEMORY_H
#define RETINANET_OPS_RECYCLED_MEMORY_H

#include <napi.h>

#include <cstddef>

namespace rn::addon::recycled {

// In bytes.
struct Figures {
  size_t limit;   // of `kept`; 0: nothing is recycled
  size_t kept;    // free blocks
  size_t in_use;  // blocks of arrays that V8 has not freed
};

// Whether this can be done here; tried out once a process.
bool IsPossible(Napi::Env env);
// At first 0; to be raised only where it is possible.
void SetLimit(size_t bytes);
Figures GetFigures();

// A block of arbitrary content, from any thread: the pool is the process's. Null where nothing is recycled, where
// `bytes` are few or above the limit, and where there is no memory; then take memory of another kind.
void* Take(size_t bytes);
// From any thread; `bytes` as they were taken.
void Return(void* block, size_t bytes);
// An ArrayBuffer over a block, which it returns in the end.
Napi::Value ToArrayBuffer(Napi::Env env, void* block, size_t bytes);

}  // namespace rn::addon::recycled

#endif
