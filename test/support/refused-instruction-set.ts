import { backendInfo, RetinanetOpsError, sigmoidFocalLoss } from 'retinanet-ops';

try {
  sigmoidFocalLoss(new Float32Array(4), new Int32Array(4));
} catch (error) {
  if (!(error instanceof RetinanetOpsError) || backendInfo().cpu.available) throw error;
  console.log(error.code, error.message);
}
