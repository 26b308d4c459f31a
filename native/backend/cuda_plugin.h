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
  // `device`: the first that runs the plugin's kernels; calls on host arrays take it. `detail`: the reason in CUDA's
  // words. Both are decided once a process.
  rn_cuda_reason (*unusable)(int32_t* device, const char** detail);
  void (*versions)(int32_t* driver, int32_t* runtime);  // 1000 * major + 10 * minor
  int32_t (*device_count)(void);
  rn_status (*device_info)(int32_t device, rn_device_info*);
  rn_status (*memory)(int32_t device, rn_device_memory*);
  rn_status (*allocate)(int32_t device, int64_t bytes, void** out);
  rn_status (*release)(int32_t device, void* pointer, int64_t bytes);  // once the work queued before has been done
  // Between host and device. `upload` may return before the device has the bytes, but no longer needs `from`.
  rn_status (*upload)(int32_t device, void* to, const void* from, int64_t bytes);
  rn_status (*download)(int32_t device, void* to, const void* from, int64_t bytes);  // waits for all work before
  rn_status (*copy)(int32_t device, void* to, const void* from, int64_t bytes);
  rn_status (*clear)(int32_t device, void* pointer, int64_t bytes);
  rn_status (*synchronize)(int32_t device);
  rn_status (*allocate_pinned)(int64_t bytes, void** out);
  rn_status (*release_pinned)(void* pointer, int64_t bytes);
  rn_status (*stream)(int32_t device, void** out);  // the cudaStream_t on which the device's work is queued
} rn_cuda_plugin;

// The plugin's one symbol; null where it was built for another RN_ABI_VERSION.
#define RN_CUDA_PLUGIN_SYMBOL "retinanet_ops_cuda_plugin"
typedef const rn_cuda_plugin* (*rn_cuda_plugin_entry)(uint32_t abi_version);

#ifdef __cplusplus
}
#endif

#endif
