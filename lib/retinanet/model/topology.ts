// The graph of layers in a saved model. tfjs looks for a missing layer for ever, so it is looked through before.
import type { Check } from '../../arguments/check.js';

interface Layer {
  name: string;
  class_name: string;
  config: { layers?: unknown };
  /** Each use of the layer: which outputs of which uses of which layers it takes. */
  inbound_nodes: [name: string, node: number, tensor: number, ...rest: unknown[]][][];
}

/** @throws RetinanetOpsError ERR_DATA naming the layer whose inputs are missing, or come from itself */
export function checkTopology(check: Check, file: string, topology: unknown): void {
  const layers = (topology as { config?: { layers?: unknown } }).config?.layers;
  if (!Array.isArray(layers) || !layers.every(isLayer)) {
    check.fail('ERR_DATA', file, 'a network of layers of TensorFlow.js', 'a modelTopology without them');
  }
  // An input, and a network within the network, is a use of itself already.
  const uses = new Map(
    layers.map(({ name, class_name, config }) => [name, class_name === 'InputLayer' || config.layers ? 1 : 0]),
  );
  let waiting = layers.flatMap(({ name, inbound_nodes }) => inbound_nodes.map((inputs) => ({ name, inputs })));
  for (let before = Infinity; waiting.length < before;) {
    before = waiting.length;
    waiting = waiting.filter(({ name, inputs }) => {
      if (!inputs.every(([from, node]) => (uses.get(from) ?? 0) > node)) return true;
      uses.set(name, (uses.get(name) ?? 0) + 1);
      return false;
    });
  }
  const [stuck] = waiting;
  if (stuck === undefined) return;
  const from = [...new Set(stuck.inputs.map(([name]) => name))].join(', ');
  check.fail(
    'ERR_DATA',
    file,
    'a network whose layers follow on each other',
    `one in which ${stuck.name} waits for ${from}`,
  );
}

function isLayer(value: unknown): value is Layer {
  const { name, config, inbound_nodes: nodes } = (value ?? {}) as Partial<Layer>;
  if (typeof name !== 'string' || typeof config !== 'object' || !(config as object | null) || !Array.isArray(nodes)) {
    return false;
  }
  const isInput = (input: unknown) =>
    Array.isArray(input) && typeof input[0] === 'string' && Number.isInteger(input[1]) && Number.isInteger(input[2]);
  return nodes.every((inputs: unknown) => Array.isArray(inputs) && inputs.every(isInput));
}
