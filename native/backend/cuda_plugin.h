// What the CUDA plugin (`retinanet_ops_cuda`, a shared library beside the addon) gives: the table of operations, and
// the memory of its devices. Functions may be called from any thread; those on one device take turns. Device pointers
// are plain addresses; work on them is queued on the device's one stream.
#ifndef RETINANET_OPS_CUDA_PLUGIN_H
#define RETINANET_OPS_CUDA_PLUGIN_H

#include "backend.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  char name[256];
  int32_t compute_major, compute_minor;
  int32_t multiprocessors;
  int64_t total_bytes;
} rn_device_info;

// Bytes that this plugin holds on a device or, pinned, on the host.
typedef struct {
  int64_t tensor_bytes;    // handed out by `allocate` and not released
  int64_t peak_bytes;      // the most that tensor_bytes has been
  int64_t reserved_bytes;  // what the memory pool holds, scratch included
  int64_t limit_bytes;     // while reserved_bytes is more, a wait gives back what is free; INT64_MAX: it is kept
  int64_t pinned_bytes;
} rn_device_memory;

// Why CUDA cannot be used. The first two are what the loader says, which then has no plugin.
typedef enum {
  RN_CUDA_USABLE = 0,
  RN_CUDA_NO_LIBRARY = 1,
  RN_CUDA_ABI_MISMATCH = 2,
  RN_CUDA_NO_DRIVER = 3,   // none is installed, or it does not work
  RN_CUDA_OLD_DRIVER = 4,  // older than the CUDA that the plugin was built with
  RN_CUDA_NO_DEVICE = 5,
  RN_CUDA_OLD_DEVICE = 6,  // the plugin has no machine code for any of the devices
} rn_cuda_reason;

typedef struct {
  uint32_t abi_version;
  const rn_backend* operations;
  // What can be said without making a context on a device. `detail`: the reason in CUDA's words.
  rn_cuda_reason (*present)(const char** detail);
  // `device`: the first that runs the plugin's kernels; calls on host arrays take it. Makes a context there. Both
  // answers are decided once a process.
  rn_cuda_reason (*unusable)(int32_t* device, const char** detail);
  void (*versions)(int32_t* driver, int32_t* runtime);  // 1000 * major + 10 * minor
  int32_t (*device_count)(void);
  rn_status (*device_info)(int32_t device, rn_device_info*);
  rn_status (*memory)(int32_t device, rn_device_memory*);
  rn_status (*set_limit)(int32_t device, int64_t bytes);
  rn_status (*trim)(int32_t device, int64_t bytes);  // gives back what is free, down to so many reserved bytes
  rn_status (*allocate)(int32_t device, int64_t bytes, void** out);
  // Once the work queued by then has been done. Waits for nothing, so that finalizers may call it.
  rn_status (*release)(int32_t device, void* pointer, int64_t bytes);
  // Between host and device. `upload` may return before the device has the bytes, but no longer needs `from`.
  rn_status (*upload)(int32_t device, void* to, const void* from, int64_t bytes);
  // A read in two steps: the first fixes what is read, the second waits for the work queued before the first, and for
  // no other. A null `to` only ends the read.
  rn_status (*begin_read)(int32_t device, const void* from, int64_t bytes, void** out);
  rn_status (*finish_read)(void* read, void* to);
  rn_status (*download)(int32_t device, void* to, const void* from, int64_t bytes);  // both steps
  rn_status (*copy)(int32_t device, void* to, int32_t from_device, const void* from, int64_t bytes);
  rn_status (*clear)(int32_t device, void* pointer, int64_t bytes);
  // Whose memory an address is, and how many bytes there are from it on; -1: no device's, and where it is not known.
  rn_status (*locate)(const void* pointer, int32_t* device, int64_t* bytes);
  rn_status (*synchronize)(int32_t device);
  rn_status (*allocate_pinned)(int64_t bytes, void** out);
  rn_status (*release_pinned)(void* pointer, int64_t bytes);  // waits for nothing
  // What other users of CUDA need: the cudaStream_t on which the device's work is queued; a cudaEvent_t after what has
  // been queued so far; and that what is queued from now on waits for an event or a stream of theirs.
  rn_status (*stream)(int32_t device, void** out);
  rn_status (*record)(int32_t device, void** event);
  rn_status (*release_event)(int32_t device, void* event);
  rn_status (*wait_for_event)(int32_t device, void* event);
  rn_status (*wait_for_stream)(int32_t device, void* stream);
} rn_cuda_plugin;

// The plugin's one symbol; null where it was built for another RN_ABI_VERSION.
#define RN_CUDA_PLUGIN_SYMBOL "retinanet_ops_cuda_plugin"
typedef const rn_cuda_plugin* (*rn_cuda_plugin_entry)(uint32_t abi_version);

#ifdef __cplusplus
}
#endif

#endif
