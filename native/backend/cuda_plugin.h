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

typedef struct {
  uint32_t abi_version;
  const rn_backend* operations;
  // Why no device can be used ("no-driver", "no-device"), or null. `detail` says it in CUDA's words.
  const char* (*unusable)(const char** detail);
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
} rn_cuda_plugin;

// The plugin's one symbol; null where it was built for another RN_ABI_VERSION.
#define RN_CUDA_PLUGIN_SYMBOL "retinanet_ops_cuda_plugin"
typedef const rn_cuda_plugin* (*rn_cuda_plugin_entry)(uint32_t abi_version);

#ifdef __cplusplus
}
#endif

#endif
