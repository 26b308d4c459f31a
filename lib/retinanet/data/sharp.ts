// The optional peer that decodes and writes pictures.
import type sharp from 'sharp';
import { RetinanetOpsError } from '../../arguments/errors.js';

let loading: Promise<typeof sharp> | undefined;

/**
 * The package sharp, imported when it is first needed.
 *
 * @throws RetinanetOpsError `ERR_BACKEND` where it is not installed, or does not load
 */
export function loadSharp(): Promise<typeof sharp> {
  return (loading ??= import('sharp').then(
    (module) => module.default,
    (cause: unknown) => {
      const reason = (cause as Error).message.trim().split('\n')[0] ?? '';
      const missing = (cause as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND';
      const received = missing ? 'none: npm install sharp' : `one that does not load (${reason}): npm install sharp`;
      throw new RetinanetOpsError('ERR_BACKEND', `pictures: expected the package sharp, received ${received}`, {
        cause,
      });
    },
  ));
}
