// Loaded before everything else (node --import) where tests run on CUDA's kernels: from the start each JavaScript thread's calls on
// typed arrays go to a device.
import { backendInfo, setBackend } from 'retinanet-ops';

const { cuda } = backendInfo();
if (!cuda.available) {
  console.error(`\nretinanet-ops: these tests need a device that CUDA can use, and here is none: ${cuda.reason}.\n`);
  process.exit(1);
}
setBackend('cuda');
