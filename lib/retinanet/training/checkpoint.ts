// Residual blocks of which a training keeps nothing but what they take.
import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

import { variablesOf } from '../model/net.js';
import { checkpoint } from './backpropagation.js';
import { type Layer, layersOf, one, passOn, soleInput, soleOutput } from './layer-graph.js';

/**
 * Has each residual block run as one, again for its gradients: its first layer does the work of all, the others pass its result on.
 * As with `fuseLayers`, which comes before, the model is for training only from then on.
 */
export function checkpointBlocks(model: LayersModel): void {
  for (const layer of layersOf(model)) {
    if (layer.getClassName() === 'Add') checkpointBlock(layer);
  }
}

/** Of a sum of two branches that begin at the same layer, either of which may be nothing but that layer. */
function checkpointBlock(sum: Layer): void {
  const [node, ...others] = sum.inboundNodes;
  if (others.length > 0 || node?.inboundLayers.length !== 2) return;
  const branches = node.inboundLayers.map((end) => branchTo(end, sum));
  const [a, b] = branches as [Branch, Branch];
  // The second one first, as layer by layer: gradients are summed in the same order.
  const main = b.layers.length > 0 ? b : a;
  const first = main.layers[0];
  if (a.from !== b.from || first === undefined) return;

  const inOrder = [b, a].map(({ layers }) => layers.map(work));
  const add = sum.call.bind(sum);
  const body = (x: Tensor) => {
    const [right, left] = inOrder.map((calls) => inTurn(calls, x)) as [Tensor, Tensor];
    return one(add([left, right], {}));
  };
  const weights = [...a.layers, ...b.layers, sum].flatMap(({ trainableWeights }) => trainableWeights);
  const variables = variablesOf(weights);
  for (const { layers } of branches) for (const layer of layers) passOn(layer);
  first.call = (inputs) => checkpoint(body, one(inputs), variables);
  passOn(sum, branches.indexOf(main));
}

interface Branch {
  from: Layer;
  /** In the order in which they are run. */
  layers: Layer[];
}

/** The layers that lead to `next` alone, and the one whose output others read, too. */
function branchTo(end: Layer, next: Layer): Branch {
  const layers: Layer[] = [];
  let from = end;
  for (let reader = next; soleOutput(from) === reader;) {
    const input = soleInput(from);
    if (input === undefined) break;
    layers.unshift(from);
    [reader, from] = [from, input];
  }
  return { from, layers };
}

type Work = (x: Tensor) => Tensor;

function work(layer: Layer): Work {
  const call = layer.call.bind(layer);
  return (x) => one(call(x, {}));
}

/** What is between is freed at once, but for what gradients keep. */
function inTurn(calls: readonly Work[], x: Tensor): Tensor {
  return calls.reduce((value, call) => {
    const result = call(value);
    if (result !== value && value !== x) value.dispose();
    return result;
  }, x);
}
