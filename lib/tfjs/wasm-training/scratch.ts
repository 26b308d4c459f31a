import { getKernel, type KernelFunc, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { RetinanetOpsError } from '../../arguments/errors.js';

/** What a kernel registered for the wasm backend is called with. */
export interface WasmKernelArgs<Inputs, Attrs> {
  inputs: Inputs;
  backend: BackendWasm;
  attrs: Attrs;
}

const forwardKernels = new Map<string, KernelFunc>();

/** The stock wasm kernel of that name; looked up once, since the registry builds a string for every look-up. */
function forwardKernel(name: string): KernelFunc {
  let kernel = forwardKernels.get(name);
  if (kernel === undefined) {
    kernel = getKernel(name, 'wasm').kernelFunc;
    forwardKernels.set(name, kernel);
  }
  return kernel;
}

/** The same memory under another shape: a view of `x`, with no reference of its own. Free `x`, never the view. */
export function reshaped(x: TensorInfo, shape: number[]): TensorInfo {
  return { dataId: x.dataId, shape, dtype: x.dtype };
}

/**
 * The temporary tensors of one kernel call, freed together, and the stock forward kernels that gradients are made of.
 *
 * Every result is a new allocation. That matters for filters: the backend packs a filter at its first use and keeps the
 * packed copy under the tensor's id, so a tensor written to again would still multiply by the old values. Disposing of
 * the tensor frees the packed copy too.
 */
export class Scratch {
  readonly #backend: BackendWasm;
  readonly #owned = new Set<TensorInfo>();
  readonly #views = new Set<TensorInfo>();

  constructor(backend: BackendWasm) {
    this.#backend = backend;
  }

  /** Uninitialised float32 memory. */
  allocate(shape: number[]): TensorInfo {
    const out = this.own(this.#backend.makeOutput(shape, 'float32'));
    // The backend ignores that malloc returned null, and would write over its own data.
    if (this.#memoryOffset(out) === 0 && util.sizeFromShape(shape) > 0) {
      throw new RetinanetOpsError('ERR_OUT_OF_MEMORY', `the wasm heap has no room for [${shape.join(', ')}] floats`);
    }
    return out;
  }

  zeros(shape: number[]): TensorInfo {
    const out = this.allocate(shape);
    const start = this.offset(out);
    this.heap().fill(0, start, start + util.sizeFromShape(shape));
    return out;
  }

  /**
   * A tensor over memory inside `x`, `start` elements in. It may overlap other views: XNNPACK reads its input where it
   * lies, so shifted readings of one array cost nothing. Valid until `x` is released.
   */
  view(x: TensorInfo, start: number, shape: number[]): TensorInfo {
    const view = this.own(this.#backend.makeOutput(shape, 'float32', this.#memoryOffset(x) + start * 4));
    this.#views.add(view);
    return view;
  }

  conv2d(
    x: TensorInfo,
    filter: TensorInfo,
    options: {
      strides?: [number, number];
      dilations?: [number, number];
      rows?: [number, number];
      columns?: [number, number];
    },
  ): TensorInfo {
    const { strides = [1, 1], dilations = [1, 1], rows = [0, 0], columns = [0, 0] } = options;
    const pad = [[0, 0], rows, columns, [0, 0]];
    return this.#run('Conv2D', { x, filter }, { strides, dilations, pad, dataFormat: 'NHWC' });
  }

  /**
   * `[1, M, K] x [1, K, N] -> [1, M, N]`. The right factor must not be a tensor of the caller's: its packed form would stay
   * with it for as long as it lives, and serve every later product with it, whatever the shape. A view of it will do.
   */
  matMul(a: TensorInfo, b: TensorInfo): TensorInfo {
    return this.#run('BatchMatMul', { a, b }, { transposeA: false, transposeB: false });
  }

  transpose(x: TensorInfo, perm: number[]): TensorInfo {
    return this.#run('Transpose', { x }, { perm });
  }

  /** The first so many of `x` along each axis. */
  slice(x: TensorInfo, size: number[]): TensorInfo {
    return this.#run('Slice', { x }, { begin: size.map(() => 0), size });
  }

  /** The whole heap as float32; dies when the heap grows, so take it after the last allocation. */
  heap(): Float32Array {
    // Emscripten's own types, which the backend's refer to, are not installed with it.
    return new Float32Array((this.#backend.wasm as unknown as { HEAPU8: Uint8Array }).HEAPU8.buffer);
  }

  /** Where `x` begins in `heap()`, in elements. */
  offset(x: TensorInfo): number {
    return this.#memoryOffset(x) / 4;
  }

  release(x: TensorInfo): void {
    if (!this.#owned.delete(x)) return;
    // A view's memory is another tensor's: disposing frees the address on record, and free(null) does nothing.
    if (this.#views.delete(x)) this.#backend.dataIdMap.get(x.dataId).memoryOffset = 0;
    this.#backend.disposeData(x.dataId);
  }

  /** Hands `x` over to the caller of the kernel: `dispose` will leave it alone. */
  keep(x: TensorInfo): TensorInfo {
    this.#owned.delete(x);
    return x;
  }

  dispose(): void {
    for (const x of this.#owned) this.release(x);
  }

  #memoryOffset(x: TensorInfo): number {
    return this.#backend.dataIdMap.get(x.dataId).memoryOffset;
  }

  /** Frees `x` with the others. */
  own(x: TensorInfo): TensorInfo {
    this.#owned.add(x);
    return x;
  }

  #run(name: string, inputs: Record<string, TensorInfo>, attrs: object): TensorInfo {
    const kernel = forwardKernel(name) as (args: WasmKernelArgs<Record<string, TensorInfo>, object>) => TensorInfo;
    return this.own(kernel({ inputs, backend: this.#backend, attrs }));
  }
}

/** Runs `body` with a scratch space and returns its result; everything else it made is freed, also when it throws. */
export function withScratch(backend: BackendWasm, body: (scratch: Scratch) => TensorInfo): TensorInfo {
  const scratch = new Scratch(backend);
  try {
    return scratch.keep(body(scratch));
  } finally {
    scratch.dispose();
  }
}
