// A loss of predictions and targets in its three forms: value, gradient, or both in one pass.
import type { Operations } from '../../binding.js';
import { Call } from '../arguments/call.js';
import {
  GRAD_OUTPUT,
  LOSSES_AND_GRAD,
  lossesOut,
  readGradOutput,
  REDUCTION,
  type Reduction,
} from '../arguments/loss-options.js';
import { output, type Checked, type Table } from '../arguments/options.js';
import { discard, operandKind, type DeviceTensor, type Floats, type Ints } from '../runtime/device-tensor.js';
import { plan, type Fields, type Plan } from '../runtime/plan.js';

/** The native operations that are such losses. */
export type LossOperation = {
  [Name in keyof Operations]: 'gradOutput' extends keyof Fields<Name> ? Name : never;
}[keyof Operations];

/** What all of them take; `numbers` are the sum of the losses and what the operation counts. */
type Common = 'gradOutput' | 'losses' | 'grad' | 'numbers';

interface Loss<T extends Table, Name extends LossOperation> {
  name: string;
  native: Name;
  /** Without what all losses have: `reduction`, `out`, `gradOutput`. */
  options: T;
  /** How many predictions make one loss. Default 1. */
  width?: number;
  /** What the operation counts beside the sum of its losses, as the result names it. */
  counts?: readonly string[];
  /** The arguments, checked, as native code takes them. `isCounted`: the result tells `counts`. */
  read(
    call: Call,
    predictions: Floats,
    targets: Floats | Ints,
    given: Checked<T & typeof REDUCTION>,
    isCounted: boolean,
  ): Omit<Fields<Name>, Common>;
}

type LossPlan = (predictions: Floats, targets: Floats | Ints, options?: object) => Plan<never>;

/** Results are typed by the operation that has these plans. */
export interface LossPlans<T extends Table> {
  options: T & typeof REDUCTION;
  counts: readonly string[];
  width: number;
  value: LossPlan;
  backward: LossPlan;
  valueAndGrad: LossPlan;
}

export function lossPlans<T extends Table, Name extends LossOperation>(loss: Loss<T, Name>): LossPlans<T> {
  const { counts = [], width = 1 } = loss;
  type Own = T & typeof REDUCTION;
  const options: Own = { ...loss.options, ...REDUCTION };
  const withOut = { ...options, out: output() };
  const withGradOutput = { ...withOut, ...GRAD_OUTPUT };
  /** The compiler does not see through tables that are not known yet. */
  type Given = Checked<Own> & { reduction: Reduction; out: unknown; gradOutput?: unknown };

  /** `finish` gets the array of losses where there is one, else their sum; and the counts. */
  function planned<Result>(
    call: Call,
    fields: Omit<Fields<Name>, Common>,
    outputs: { gradOutput?: number | Floats | null; losses?: Floats | null; grad?: Floats | null },
    finish: (loss: number | Floats, counted: (number | DeviceTensor)[]) => Result,
  ): Plan<Result> {
    const { gradOutput = null, losses = null, grad = null } = outputs;
    const scalars = call.scalars(1 + counts.length);
    // Added in place: a copy by spreading takes longer than a small call's kernel.
    const all = fields as Record<string, unknown>;
    all['gradOutput'] = gradOutput;
    all['losses'] = losses;
    all['grad'] = grad;
    all['numbers'] = scalars;
    return plan(call, loss.native, all as unknown as Fields<Name>, (numbers) => {
      const [sum, ...counted] = (numbers ?? scalars) as (number | DeviceTensor)[];
      if (losses !== null) discard(sum as number | DeviceTensor);
      return finish(losses ?? (sum as number | DeviceTensor), counted);
    });
  }

  return {
    options,
    counts,
    width,
    value(predictions, targets, given) {
      const call = new Call(loss.name);
      const checked = call.options('options', given, withOut) as unknown as Given;
      const fields = loss.read(call, predictions, targets, checked, false);
      const losses = lossesOut(call, checked.out, checked.reduction, predictions, width);
      return planned(call, fields, { losses }, (result, counted) => {
        counted.forEach(discard);
        return result as never;
      });
    },
    backward(predictions, targets, given) {
      const call = new Call(`${loss.name}Backward`);
      const checked = call.options('options', given, withGradOutput) as unknown as Given;
      const fields = loss.read(call, predictions, targets, checked, false);
      const gradOutput = readGradOutput(call, checked.gradOutput, checked.reduction, predictions.length / width);
      const grad = call.outLike('out', checked.out, predictions);
      return planned(call, fields, { gradOutput, grad }, (result, counted) => {
        [result, ...counted].forEach(discard);
        return grad as never;
      });
    },
    valueAndGrad(predictions, targets, given) {
      const call = new Call(`${loss.name}ValueAndGrad`);
      const checked = call.options('options', given, withOut) as unknown as Given;
      const fields = loss.read(call, predictions, targets, checked, true);
      const { losses, grad } = bothOutputs(call, checked.out, checked.reduction, predictions, width);
      return planned(call, fields, { losses, grad }, (result, counted) => {
        const named = Object.fromEntries(counts.map((name, i) => [name, counted[i]]));
        return { loss: result, grad, ...named } as never;
      });
    },
  };
}

/** The outputs for losses and gradient; `out` is the gradient's array, or names both. */
function bothOutputs(
  call: Call,
  out: unknown,
  reduction: Reduction,
  predictions: Floats,
  width: number,
): { losses: Floats | null; grad: Floats } {
  const isGrad = out === undefined || operandKind(out) !== undefined;
  const given = isGrad ? { grad: out, losses: undefined } : call.options('out', out, LOSSES_AND_GRAD, 'out.');
  const losses = lossesOut(call, given.losses, reduction, predictions, width, 'out.losses');
  return { losses, grad: call.outLike(isGrad ? 'out' : 'out.grad', given.grad, predictions) };
}
