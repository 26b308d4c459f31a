import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';

/** Any tfjs layer. */
export type AnyLayer = LayersModel['layers'][number];

/** Initial kernel: for a ReLU to follow (default), for none, a branch that begins weaker or as nothing, N(0, 0.01). */
export type Init = 'he' | 'linear' | 'half' | 'zeros' | 'normal';

export interface ConvOptions {
  filters: number;
  kernel: number;
  stride?: number;
  init?: Init;
  activation?: 'relu';
  useBias?: boolean;
  bias?: number;
  padding?: 'same' | 'valid';
}

/** Makes stock tfjs layers with initial weights that follow from one seed; without one they are 0, for others to come. */
export class LayerFactory {
  /** Whether training changes the weights of the layers made from now on. */
  trainable = true;
  private readonly seed: number | undefined;
  private made = 0;

  constructor(seed: number | undefined) {
    this.seed = seed;
  }

  /** A convolution; not yet applied, so one instance can serve several levels. */
  conv(name: string, options: ConvOptions): AnyLayer {
    return tfl.layers.conv2d({
      name,
      filters: options.filters,
      kernelSize: options.kernel,
      strides: options.stride ?? 1,
      padding: options.padding ?? 'same',
      activation: options.activation ?? 'linear',
      useBias: options.useBias ?? true,
      kernelInitializer: this.kernelInitializer(options.init ?? 'he'),
      biasInitializer: tfl.initializers.constant({ value: options.bias ?? 0 }),
      ...(!this.trainable && { trainable: false }),
    });
  }

  private kernelInitializer(init: Init) {
    if (this.seed === undefined) return tfl.initializers.zeros();
    // Knuth's multiplicative step keeps the seeds of neighbouring layers, and of neighbouring nets, apart.
    const seed = (Math.imul(this.seed + 1, 0x9e3779b1) + this.made++ * 7919) >>> 1;
    switch (init) {
      case 'zeros':
        return tfl.initializers.zeros();
      case 'normal':
        return tfl.initializers.randomNormal({ mean: 0, stddev: 0.01, seed });
      case 'he':
        return tfl.initializers.varianceScaling({ scale: 2, mode: 'fanIn', distribution: 'normal', seed });
      case 'half':
        return tfl.initializers.varianceScaling({ scale: 0.5, mode: 'fanIn', distribution: 'normal', seed });
      case 'linear':
        return tfl.initializers.varianceScaling({ scale: 1, mode: 'fanIn', distribution: 'normal', seed });
    }
  }
}

/** Applies a layer to one tensor. */
export function apply(layer: AnyLayer, input: SymbolicTensor): SymbolicTensor {
  return layer.apply(input) as SymbolicTensor;
}

export function relu(name: string, input: SymbolicTensor): SymbolicTensor {
  return apply(tfl.layers.activation({ name, activation: 'relu' }), input);
}

export function add(name: string, a: SymbolicTensor, b: SymbolicTensor): SymbolicTensor {
  return tfl.layers.add({ name }).apply([a, b]) as SymbolicTensor;
}

/** [height, width] of a feature map; undefined in a network that takes images of any size. */
export function mapSize({ shape }: SymbolicTensor): [number, number] | undefined {
  const [, height, width] = shape;
  return height == null || width == null ? undefined : [height, width];
}

/**
 * Subtracts a mean from every channel and divides by a deviation. A batch normalisation that never learns: the one stock
 * layer that every version of tfjs loads and that does this by channel.
 */
export function normalizeInput(
  input: SymbolicTensor,
  mean: readonly number[],
  deviation: readonly number[],
): SymbolicTensor {
  const layer = tfl.layers.batchNormalization({ name: 'normalize_input', epsilon: 1e-5, trainable: false });
  const output = apply(layer, input);
  tf.tidy(() => {
    const variance = deviation.map((d) => d * d);
    layer.setWeights([tf.ones([3]), tf.zeros([3]), tf.tensor1d([...mean]), tf.tensor1d(variance)]);
  });
  return output;
}
