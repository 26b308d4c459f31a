import { Check } from '../arguments/check.js';

/**
 * The bias of the last classification layer that makes every anchor's initial foreground probability `pi`:
 * -log((1 - pi) / pi) (Lin et al. 2017, section 4.1).
 *
 * @param pi in (0, 1). Default 0.01.
 * @throws RetinanetOpsError ERR_DTYPE, ERR_RANGE
 */
export function priorBias(pi = 0.01): number {
  const check = new Check('priorBias');
  check.number('pi', pi, { min: 0, max: 1, exclusiveMin: true });
  if (pi === 1) check.fail('ERR_RANGE', 'pi', 'a probability below 1', '1');
  return Math.log(pi) - Math.log1p(-pi);
}
