// Gradients of many variables with no more memory than they need.
import * as tf from '@tensorflow/tfjs-core';

/** An operation that was run while TensorFlow.js's engine kept a record. */
interface TapeNode {
  inputs: tf.NamedTensorMap;
  outputs: tf.Tensor[];
  /** What the gradient needs of inputs and outputs. */
  saved?: tf.Tensor[];
  gradient(dys: (tf.Tensor | undefined)[]): Record<string, () => tf.Tensor>;
}

/** The engine's record; its declaration hides it. */
interface Recorder {
  startTape(): void;
  endTape(): void;
  state: { activeTape: TapeNode[] | null };
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
  const recorder = tf.engine() as unknown as Recorder;
  recorder.startTape();
  let tape: TapeNode[] = [];
  try {
    let result: tf.Scalar;
    try {
      result = tf.tidy(loss);
    } finally {
      tape = recorder.state.activeTape ?? [];
      recorder.endTape();
    }
    const gradients = new Map<number, tf.Tensor>([[result.id, tf.onesLike(result)]]);
    result.dispose();
    const byId = new Map(variables.map((variable) => [variable.id, variable]));
    const needed = dependents(tape, byId);
    for (let node = tape.pop(); node; node = tape.pop()) propagate(node, needed, gradients);
    for (const [id, gradient] of gradients) {
      const variable = byId.get(id);
      if (variable) receive(variable, gradient);
      gradient.dispose();
    }
  } finally {
    recorder.state.activeTape = null;
    for (const node of tape) forget(node);
  }
}

/** Ids of all tensors that depend on a variable, and of the variables. */
function dependents(tape: readonly TapeNode[], variables: ReadonlyMap<number, unknown>): Set<number> {
  const ids = new Set(variables.keys());
  for (const { inputs, outputs } of tape) {
    if (Object.values(inputs).some(({ id }) => ids.has(id))) for (const { id } of outputs) ids.add(id);
  }
  return ids;
}

/** From the gradients by what an operation gave to those by what it took; nothing but the latter is left of it. */
function propagate(node: TapeNode, needed: ReadonlySet<number>, gradients: Map<number, tf.Tensor>): void {
  const dys = node.outputs.map(({ id }) => gradients.get(id));
  const inputs = Object.entries(node.inputs).filter(([, { id }]) => needed.has(id));
  if (inputs.length > 0 && dys.some((dy) => dy !== undefined)) {
    const dxs = tf.tidy(() => {
      const functions = node.gradient(dys);
      return inputs.map(([name]) => {
        const dx = functions[name]!();
        return dys.includes(dx) ? tf.clone(dx) : dx;
      });
    });
    for (const [i, [, { id }]] of inputs.entries()) {
      const [dx, former] = [dxs[i]!, gradients.get(id)];
      gradients.set(id, former ? tf.add(former, dx) : dx);
      if (former) tf.dispose([former, dx]);
    }
  }
  for (const [i, dy] of dys.entries()) {
    dy?.dispose();
    gradients.delete(node.outputs[i]!.id);
  }
  forget(node);
}

function forget({ saved }: TapeNode): void {
  if (saved) tf.dispose(saved);
}
