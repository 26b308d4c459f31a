// Loaded before everything else (node --import) where tests run on CUDA's kernels: from the start each JavaScript thread's calls on
// typed arrays go to a device.
import { setBackend } from 'retinanet-ops';

setBackend('cuda');
