// Gradients of many variables with no more memory than they need.
import * as tf from '@tensorflow/tfjs-core';

/** An operation that was run while TensorFlow.js's engine kept a record. */
interface TapeNode {
  kernelName?: string;
  inputs: tf.NamedTensorMap;
  outputs: tf.Tensor[];
  /** What the gradient needs of inputs and outputs. */
  saved?: tf.Tensor[];
  gradient(dys: (tf.Tensor | undefined)[]): Record<string, () => tf.Tensor>;
}

/** Several operations of which nothing was kept but what they took: they are run again when gradients are wanted. */
interface Segment extends Omit<TapeNode, 'gradient'> {
  saved: [tf.Tensor];
  body: (x: tf.Tensor) => tf.Tensor;
}

/** The engine's record; its declaration hides it. */
interface Recorder {
  startTape(): void;
  endTape(): void;
  isTapeOn(): boolean;
  state: { activeTape: (TapeNode | Segment)[] | null; kernelDepth: number };
}

const recorder = () => tf.engine() as unknown as Recorder;

/** Gradients that take of what was kept nothing but its shape, which outlives the tensor. */
const SHAPES = new Set(['Add', 'Concat', 'PadV2', 'Reshape', 'Slice', 'Sub', 'Sum']);

/** A record of operations. */
class Tape extends Array<TapeNode | Segment> {
  override push(...nodes: (TapeNode | Segment)[]): number {
    for (const node of nodes) if (SHAPES.has(node.kernelName ?? '')) forget(node);
    return super.push(...nodes);
  }
}

/** Adds what `run` does to the tape. */
function record<T extends tf.Tensor>(tape: Tape, run: () => T): T {
  const { state } = recorder();
  recorder().startTape();
  state.activeTape = tape;
  try {
    return tf.tidy(run);
  } finally {
    recorder().endTape();
    state.activeTape = null;
  }
}

/**
 * Runs `body`. Where gradients are recorded, all that is kept for them is `x`, and `backpropagate` runs `body` once more (Chen et al., 2016,
 * "Training Deep Nets with Sublinear Memory Cost"); the gradients are the same to the bit.
 *
 * @param body gives a new tensor, the same one each time
 * @param variables all that it depends on besides x
 */
export function checkpoint(
  body: (x: tf.Tensor) => tf.Tensor,
  x: tf.Tensor,
  variables: readonly tf.Variable[],
): tf.Tensor {
  const { state } = recorder();
  const tape = recorder().isTapeOn() ? state.activeTape : null;
  if (tape === null) return tf.tidy(() => body(x));
  state.kernelDepth++; // no tape within kernels
  try {
    const y = tf.tidy(() => body(x));
    const inputs = { x, ...Object.fromEntries(variables.map((variable) => [variable.name, variable])) };
    tape.push({ inputs, outputs: [y], saved: [tf.keep(tf.clone(x))], body });
    return y;
  } finally {
    state.kernelDepth--;
  }
}

/**
 * Calls `receive` with the gradient of a scalar by each variable that it depends on; the tensor is gone afterwards.
 *
 * As tf.variableGrads, which keeps all activations, and the gradients by all of them, until the last one is known. Here what an
 * operation kept is freed once its own gradients are known, and so are those by its results.
 *
 * @param loss gives a scalar; what else it makes is freed
 */
export function backpropagate(
  loss: () => tf.Scalar,
  variables: readonly tf.Variable[],
  receive: (variable: tf.Variable, gradient: tf.Tensor) => void,
): void {
  const tape = new Tape();
  try {
    const result = record(tape, loss);
    const gradients = new Map<number, tf.Tensor>([[result.id, tf.onesLike(result)]]);
    result.dispose();
    const readers = new Readers(variables);
    readers.count(tape, 1);
    const needed = new Set(variables.map(({ id }) => id));
    addDependents(needed, tape);
    for (let node = tape.pop(); node; node = tape.pop()) {
      if ('body' in node) {
        const again = runAgain(node, gradients);
        readers.count(again, 1);
        addDependents(needed, again);
        tape.push(...again);
      } else {
        propagate(node, needed, gradients);
      }
      for (const variable of readers.count([node], -1)) {
        const gradient = gradients.get(variable.id);
        if (gradient === undefined) continue;
        gradients.delete(variable.id);
        receive(variable, gradient);
        gradient.dispose();
      }
    }
  } finally {
    for (const node of tape) forget(node);
  }
}

/** How many operations on a tape read each variable: after the last one its gradient is whole. */
class Readers {
  readonly #readers: Map<number, { variable: tf.Variable; count: number }>;

  constructor(variables: readonly tf.Variable[]) {
    this.#readers = new Map(variables.map((variable) => [variable.id, { variable, count: 0 }]));
  }

  /** Counts those of `nodes`; returns the variables that have none left. */
  count(nodes: readonly (TapeNode | Segment)[], by: 1 | -1): tf.Variable[] {
    const none = [];
    for (const { inputs } of nodes) {
      for (const { id } of Object.values(inputs)) {
        const reader = this.#readers.get(id);
        if (reader && (reader.count += by) === 0) none.push(reader.variable);
      }
    }
    return none;
  }
}

/** Adds the ids of all tensors that depend on one that is there. */
function addDependents(ids: Set<number>, nodes: readonly (TapeNode | Segment)[]): void {
  for (const { inputs, outputs } of nodes) {
    if (Object.values(inputs).some(({ id }) => ids.has(id))) for (const { id } of outputs) ids.add(id);
  }
}

/** The operations of a segment, as if they had been on the tape from the beginning. */
function runAgain({ body, ...segment }: Segment, gradients: Map<number, tf.Tensor>): Tape {
  const again = new Tape();
  const [x] = segment.saved;
  const [{ id }] = segment.outputs as [tf.Tensor];
  const dy = gradients.get(id);
  try {
    if (dy === undefined) return again;
    const y = record(again, () => body(x));
    gradients.delete(id);
    gradients.set(y.id, dy);
    y.dispose();
  } catch (error) {
    for (const node of again) forget(node);
    throw error;
  } finally {
    forget(segment);
  }
  for (const node of again) {
    const named = Object.entries(node.inputs).map(([name, input]) => [name, input.id === x.id ? segment.inputs['x'] : input] as const); // prettier-ignore
    node.inputs = Object.fromEntries(named) as tf.NamedTensorMap;
  }
  return again;
}

type GradientFunction = (former?: tf.Tensor) => tf.Tensor;

const accumulates = new WeakSet<GradientFunction>();

/** A gradient function that adds the gradient so far, where it is given one, to its own, in the same pass over memory. */
export function accumulating(gradient: GradientFunction): () => tf.Tensor {
  accumulates.add(gradient);
  return gradient;
}

/** From the gradients by what an operation gave to those by what it took; nothing but the latter is left of it. */
function propagate(node: TapeNode, needed: ReadonlySet<number>, gradients: Map<number, tf.Tensor>): void {
  const dys = node.outputs.map(({ id }) => gradients.get(id));
  const inputs = Object.entries(node.inputs).filter(([, { id }]) => needed.has(id));
  if (inputs.length > 0 && dys.some((dy) => dy !== undefined)) {
    // An input that is there twice has two gradients, to be added one after the other.
    const formers = inputs.map(([, { id }], i) =>
      inputs.some((other, j) => j !== i && other[1].id === id) ? undefined : gradients.get(id),
    );
    const added: boolean[] = [];
    const dxs = tf.tidy(() => {
      const functions: Record<string, GradientFunction> = node.gradient(dys);
      return inputs.map(([name], i) => {
        const gradient = functions[name]!;
        added[i] = formers[i] !== undefined && accumulates.has(gradient);
        const dx = gradient(added[i] ? formers[i] : undefined);
        return dys.includes(dx) ? tf.clone(dx) : dx;
      });
    });
    for (const [i, [, { id }]] of inputs.entries()) {
      const [dx, former] = [dxs[i]!, gradients.get(id)];
      if (former && !added[i]) {
        gradients.set(id, tf.add(former, dx));
        dx.dispose();
      } else {
        gradients.set(id, dx);
      }
      former?.dispose();
    }
  }
  for (const [i, dy] of dys.entries()) {
    dy?.dispose();
    gradients.delete(node.outputs[i]!.id);
  }
  forget(node);
}

function forget({ saved }: Pick<TapeNode, 'saved'>): void {
  if (saved) tf.dispose(saved);
}
