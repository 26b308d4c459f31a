import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import type { LayersModel } from '@tensorflow/tfjs-layers';

import type { AnchorGrid } from '../../index.js';
import { compute } from '../../tfjs/memory.js';
import { Check } from '../../arguments/check.js';
import type { Batch } from '../data/batches.js';
import { anchorGrid } from '../model/config.js';
import { backpropagate } from './backpropagation.js';
import { checkpointBlocks } from './checkpoint.js';
import { fuseLayers } from './fuse.js';
import { detectionLoss, type Gradients, type LossSums } from './losses.js';
import { variablesOf } from '../model/net.js';
import type { WorkerSetup } from './train-shared.js';
import { unflatten, writeWeights } from '../model/weights.js';

export interface GradientResult {
  classLoss: number;
  boxLoss: number;
  numPositives: number;
  /** As in LossSums. */
  divisor: number;
  /** Time in the package's own operations: assignment, losses and their gradients. */
  opsMs: number;
}

/** One thread's copy of the model: computes gradients, changes nothing by itself. */
export class Replica {
  private readonly model: LayersModel;
  private readonly anchors: AnchorGrid;
  private readonly setup: WorkerSetup;
  /** Where the backend keeps copies of the weights, those of the step; elsewhere tensors look at the weights themselves. */
  private readonly weights: Float32Array | undefined;
  /** Used again in every step. */
  private gradients: Gradients | undefined;

  private constructor(model: LayersModel, setup: WorkerSetup) {
    this.model = model;
    this.setup = setup;
    this.anchors = anchorGrid(new Check('trainRetinaNet'), setup.config);
    writeWeights(model.nonTrainableWeights, setup.frozenWeights);
    const variables = model.trainableWeights;
    if (setup.backend === 'wasm') this.weights = new Float32Array(setup.memory.weights.byteLength / 4);
    else writeWeights(variables, unflatten(variables, new Float32Array(setup.memory.weights)));
    fuseLayers(model);
    if (setup.step.checkpoint) checkpointBlocks(model);
  }

  static async create(setup: WorkerSetup): Promise<Replica> {
    const model = await loadLayersModel(tf.io.fromMemory({ modelTopology: setup.topology }));
    return new Replica(model, setup);
  }

  /** Writes the gradient of the batch's summed loss at `weights` [P], the shared ones, into `gradient` [P]. */
  gradient(batch: Batch, weights: Float32Array, gradient: Float32Array): GradientResult {
    const variables = this.model.trainableWeights;
    if (this.weights) {
      this.weights.set(weights);
      writeWeights(variables, unflatten(variables, this.weights));
    }
    const { imageHeight, imageWidth, numClasses, coderWeights } = this.setup.config;
    let sums: LossSums | undefined;
    let opsMs = 0;

    const loss = tf.customGrad((classLogits, boxDeltas) => {
      const { result } = compute(tf.backend(), { classLogits, boxDeltas } as tf.NamedTensorMap, {}, (arrays) => {
        const inputs = {
          classLogits: arrays.floats('classLogits'),
          boxDeltas: arrays.floats('boxDeltas'),
          anchors: this.anchors,
          truth: batch.truth,
          ...{ numClasses, coderWeights },
          out: this.gradients,
        };
        const start = performance.now();
        const losses = detectionLoss(this.setup.step, inputs);
        opsMs = performance.now() - start;
        return losses;
      });
      const { classGrad, boxGrad } = result;
      this.gradients = { classGrad, boxGrad };
      sums = result;
      const { boxWeight } = this.setup.step;
      return {
        value: tf.scalar(result.classLoss + boxWeight * result.boxLoss),
        // The loss is the end of the chain: the gradient that comes in is 1.
        gradFunc: () => [
          tf.tensor(result.classGrad, (classLogits as tf.Tensor).shape),
          tf.tidy(() => tf.mul(tf.tensor(result.boxGrad, (boxDeltas as tf.Tensor).shape), boxWeight)),
        ],
      };
    });

    tf.tidy(() => {
      const images = tf.tensor4d(batch.images, [batch.size, imageHeight, imageWidth, 3]);
      const tensors = variablesOf(variables);
      const views = unflatten(variables, gradient);
      const parts = new Map(tensors.map((tensor, i) => [tensor, views[i]!]));
      const forward = () => {
        const [classLogits, boxDeltas] = this.model.apply(images) as [tf.Tensor, tf.Tensor];
        return loss(classLogits, boxDeltas);
      };
      backpropagate(forward, tensors, (tensor, part) => {
        compute(tf.backend(), { part }, {}, (arrays) => {
          parts.get(tensor)!.set(arrays.floats('part'));
        });
      });
    });
    if (!sums) throw new Error('the loss was not evaluated');
    const { classLoss, boxLoss, numPositives, divisor } = sums;
    return { classLoss, boxLoss, numPositives, divisor, opsMs };
  }
}
