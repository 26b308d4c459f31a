// Prints what this process makes of CUDA, and checks that the rest follows from it.
import { ok, strictEqual, throws } from 'node:assert';
import { backendInfo, cuda, nms, RetinanetOpsError, setBackend } from 'retinanet-ops';

const info = backendInfo();
const { available, reason } = info.cuda;
strictEqual(cuda.isAvailable(), available);
// Typed arrays stay on the CPU unless CUDA is asked for.
strictEqual(info.active, 'cpu');
strictEqual(info.cuda.device !== undefined, available);
strictEqual(cuda.devices().length > 0, available);
if (!available) {
  const error = { name: 'RetinanetOpsError', code: 'ERR_BACKEND', message: new RegExp(reason ?? '-') };
  const unusable = [
    () => {
      setBackend('cuda');
    },
    () => nms(new Float32Array(4), new Float32Array(1), { backend: 'cuda' }),
    () => cuda.tensor([1]),
    () => cuda.memory(),
    () => cuda.pinnedFloat32Array(1),
  ];
  for (const call of unusable) throws(call, error);
  ok(nms(new Float32Array(4), new Float32Array(1)).length === 1 && RetinanetOpsError);
}
console.log(JSON.stringify(info.cuda));
