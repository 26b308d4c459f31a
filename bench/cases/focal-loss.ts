import { sigmoidFocalLoss, sigmoidFocalLossValueAndGrad } from 'retinanet-ops';
import { mismatch } from '../../test/support/compare.js';
import { random } from '../../test/support/random.js';
import { focalCases, focalInputs, type FocalCase, type FocalInputs } from '../../test/operations/inputs/focal-loss.js';
import { checkResult, fail, type Case, type Settings } from '../case.js';
import { focalPeers } from '../peers/focal-loss.js';

const CLASSES = 80;

/** Against the float64 reference: all of it for few rows, every so manyth row for many. */
function check(name: string, { logits, targets, options }: FocalInputs, loss: number, grad?: Float32Array): void {
  const rows = logits.length / CLASSES;
  const width = targets.length / rows;
  const every = Math.ceil(rows / 1000);
  const sample: number[] = [];
  for (let row = 0; row < rows; row += every) sample.push(row);
  const take = (from: ArrayLike<number>, columns: number) => {
    const values: number[] = [];
    for (const row of sample) for (let k = 0; k < columns; k++) values.push(from[row * columns + k]!);
    return values;
  };
  const some = {
    logits: Float32Array.from(take(logits, CLASSES)),
    targets:
      targets instanceof Int32Array ? Int32Array.from(take(targets, 1)) : Float32Array.from(take(targets, width)),
  };
  const form = { ...options, reduction: 'none' } as const;
  const all = sigmoidFocalLoss(logits, targets, form);
  checkResult(
    'sigmoidFocalLoss',
    [some.logits, some.targets, options],
    sigmoidFocalLoss(some.logits, some.targets, options),
  );
  checkResult('sigmoidFocalLoss', [some.logits, some.targets, form], Float32Array.from(take(all, CLASSES)));
  if (grad)
    checkResult(
      'sigmoidFocalLossBackward',
      [some.logits, some.targets, options],
      Float32Array.from(take(grad, CLASSES)),
    );
  let total = 0;
  for (const value of all) total += value;
  const wrong = mismatch([loss], [total], { relative: 1e-6 });
  if (wrong) fail(`${name}: ${wrong}`);
}

export function focalRows({ quick }: Settings): number {
  return quick ? 20_000 : 200_000;
}

function focalCase(which: FocalCase, withGrad: boolean, threads?: number[]): Case {
  const name = `focal loss${withGrad ? ' + gradient' : ''}, ${which.name}`;
  return {
    name,
    threads,
    prepare: (settings, torchvision) => {
      const rows = focalRows(settings);
      const inputs = focalInputs(random(1), which, rows, CLASSES);
      const { logits, targets, options } = inputs;
      const out = withGrad ? new Float32Array(logits.length) : undefined;
      let loss = NaN;
      return {
        unit: 'logit',
        count: logits.length,
        limit: { kind: withGrad ? 'copy' : 'read', floats: logits.length },
        run: () => {
          loss = out
            ? sigmoidFocalLossValueAndGrad(logits, targets, { ...options, reduction: 'sum', out }).loss
            : sigmoidFocalLoss(logits, targets, { ...options, reduction: 'sum' });
        },
        check: () => {
          check(name, inputs, loss, out);
        },
        peers: focalPeers(inputs, withGrad, settings, torchvision),
      };
    },
  };
}

/** One call with few elements, its output reused: what crossing from JavaScript costs. */
function smallCall(rows: number, numClasses: number): Case {
  const name = `small call, loss + gradient of ${rows * numClasses} logits`;
  return {
    name,
    prepare: () => {
      const { logits, targets, options } = focalInputs(random(1), { name: 'gamma 2' }, rows, numClasses);
      const given = { numClasses: options.numClasses, out: new Float32Array(logits.length) };
      const calls = 1000;
      let [loss, numPositives] = [NaN, NaN];
      return {
        unit: 'call',
        count: calls,
        run: () => {
          for (let i = 0; i < calls; i++)
            ({ loss, numPositives } = sigmoidFocalLossValueAndGrad(logits, targets, given));
        },
        check: () => {
          checkResult('sigmoidFocalLossValueAndGrad', [logits, targets, options], {
            loss,
            grad: given.out,
            numPositives,
          });
        },
      };
    },
  };
}

/** Every case of the table with one number of threads, the default one with one and two. */
export function focalLossCases({ threads }: Settings): Case[] {
  const counts = [...new Set([1, 2, threads])].sort((a, b) => a - b);
  const timed = focalCases.filter(({ name }) => !['gamma 1', 'gamma 0, no alpha'].includes(name));
  return [
    ...timed.flatMap((which, i) =>
      [false, true].map((withGrad) => focalCase(which, withGrad, i === 0 ? counts : undefined)),
    ),
    smallCall(1, 80),
    smallCall(25, 40),
  ];
}
