// The packages that commands with a network or pictures need, which are optional peers: loaded when such a command runs.
import { RetinanetOpsError } from '../arguments/errors.js';

type Parts = typeof import('../retinanet/index.js');

const TENSORFLOW = 'npm install @tensorflow/tfjs-core @tensorflow/tfjs-layers @tensorflow/tfjs-backend-cpu';

/**
 * All of `retinanet-ops/retinanet`.
 *
 * @param command names it in the message, such as `train`
 * @param needed `sharp` where the command reads or writes pictures: it then fails before anything is done, and not at the first picture
 * @throws RetinanetOpsError `ERR_BACKEND` saying what to install where a package is missing
 */
export async function loadPeers(command: string, ...needed: 'sharp'[]): Promise<Parts> {
  if (needed.includes('sharp')) {
    const { loadSharp } = await import('../retinanet/data/sharp.js');
    await loadSharp();
  }
  try {
    return await import('../retinanet/index.js');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes('@tensorflow/')) throw cause;
    throw new RetinanetOpsError('ERR_BACKEND', `${command} needs TensorFlow.js: ${TENSORFLOW}`, { cause });
  }
}
