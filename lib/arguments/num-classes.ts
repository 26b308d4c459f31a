// K, where it is not given: what shapes and lengths tell. Nothing is guessed that a result depends on.
import { DeviceTensor, operandKind, type Floats, type Ints } from '../runtime/device-tensor.js';
import { isArray } from './per-class.js';
import type { ScalarCheck } from './scalar-check.js';

/** What may tell K beside logits and targets. */
interface Options {
  numClasses?: unknown;
  /** By class: [K]. */
  alpha?: unknown;
  gamma?: unknown;
  /** [N], by either name. */
  weights?: unknown;
  anchorWeights?: unknown;
}

/** K: the option, else what shapes and lengths tell; undefined where they don't, which only dense targets may do. */
export function readNumClasses(
  check: ScalarCheck,
  logits: Floats,
  targets: Floats | Ints,
  given: Options,
): number | undefined {
  const { length } = logits;
  const labels = operandKind(targets) === 'Int32Array' ? targets.length : undefined;
  const numClasses =
    given.numClasses === undefined
      ? labels === undefined
        ? classesOfDense(check, logits, targets, given)
        : (lastAxis(logits) ?? (labels === 0 ? 1 : length / labels))
      : check.number('numClasses', given.numClasses, { min: 1, integer: true });
  if (numClasses === undefined) return undefined;
  const rows = labels ?? Math.floor(length / numClasses);
  if (Number.isInteger(numClasses) && numClasses >= 1 && rows * numClasses === length) return numClasses;
  const expected = Number.isInteger(numClasses)
    ? `${labels === undefined ? 'a multiple of' : `${String(rows)} rows of`} ${String(numClasses)} elements`
    : `a multiple of ${String(rows)} elements, one row a label`;
  check.fail('ERR_SHAPE', 'logits', expected, `${String(length)} elements`);
}

function classesOfDense(
  check: ScalarCheck,
  logits: Floats,
  targets: Floats | Ints,
  given: Options,
): number | undefined {
  const [axis, targetAxis] = [lastAxis(logits), lastAxis(targets)];
  if (axis !== undefined && targetAxis !== undefined && axis !== targetAxis) {
    check.fail('ERR_SHAPE', 'targets', `rows of ${String(axis)} elements, as logits has,`, String(targetAxis));
  }
  const told = axis ?? targetAxis ?? (lengthOf(given.alpha) || lengthOf(given.gamma));
  if (told > 0) return told;
  const name = given.weights === undefined ? 'anchorWeights' : 'weights';
  const anchors = lengthOf(given[name]);
  if (anchors === 0) return undefined;
  if (logits.length % anchors === 0) return logits.length / anchors;
  check.fail('ERR_SHAPE', name, `one weight per anchor of ${String(logits.length)} logits`, String(anchors));
}

/** Tensors of several axes tell K; those of a single axis and typed arrays tell their length only. */
function lastAxis(array: Floats | Ints): number | undefined {
  return DeviceTensor.is(array) && array.shape.length > 1 ? array.shape.at(-1) : undefined;
}

function lengthOf(value: unknown): number {
  return isArray(value) || DeviceTensor.is(value) ? (value as Floats).length : 0;
}
