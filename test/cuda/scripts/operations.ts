// Scenarios of operations on device tensors: their results beside those on typed arrays, and the memory of results.
import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import * as sync from 'retinanet-ops';
import * as promises from 'retinanet-ops/promises';
import { cuda, type DeviceTensor } from 'retinanet-ops';
import * as driver from '../../operations/driver/calls.js';
import { caseOf, everywhere } from '../../operations/driver/cases.js';
import { replaced } from '../../operations/driver/trees.js';
import { mismatch } from '../../support/compare.js';
import { lastDevice, runScenario } from './scenario.js';
import { onDevice, onHost } from './transfer.js';

/** A tensor that begins at the third element of another's memory: aligned for its elements, and for no more. */
function shifted(tensor: DeviceTensor): DeviceTensor {
  const { dtype, device, length, shape } = tensor;
  const view = cuda.tensor([length + 5], { dtype, device }).subarray(3, length + 3);
  return view.copyFrom(tensor.reshape([length])).reshape(shape);
}

/** The same arguments with such tensors. */
const onShifted = (args: unknown): unknown =>
  replaced(args, (leaf) => (leaf instanceof cuda.DeviceTensor ? shifted(leaf) : leaf));

/**
 * Equal but for the last bits of numbers: where blocks begin, and so the order of a sum, goes by alignment; logarithms go by the
 * device.
 */
function alike(got: unknown, want: unknown, name: string): void {
  if (typeof want === 'number' || want instanceof Float32Array) {
    const [a, b] = typeof want === 'number' ? [[got as number], [want]] : [got as Float32Array, want];
    strictEqual(mismatch(a, b, { relative: 1e-6 }), null, name);
  } else if (typeof want === 'object' && want !== null && !ArrayBuffer.isView(want)) {
    for (const [key, entry] of Object.entries(want))
      alike((got as Record<string, unknown>)[key], entry, `${name}.${key}`);
  } else {
    deepStrictEqual(got, want, name);
  }
}

/** Every case of every operation, and arguments that several blocks share. */
const calls = () =>
  everywhere.flatMap((c) =>
    [...driver.calls(c, c.rows.edges.length), driver.largeCall(c)].map(({ title, args }) => ({
      name: c.name,
      title,
      args,
    })),
  );

const { operation } = driver;

// Typed arrays are sent to the same kernels: results are compared to the bit.
sync.setBackend('cuda');

await runScenario({
  async same() {
    for (const { name, args, title } of calls()) {
      const want = operation(sync, name)(...args);
      for (const device of new Set([0, lastDevice()])) {
        const given = onDevice(args, device) as unknown[];
        const got = operation(sync, name)(...given);
        ok(!ArrayBuffer.isView(got), name);
        deepStrictEqual(await onHost(got), want, title);
        const promised = await (operation(promises, name)(...given) as Promise<unknown>);
        deepStrictEqual(await onHost(promised), want, `${title}, promised`);
      }
    }
  },

  async shifted() {
    for (const { name, args, title } of calls()) {
      const want = operation(sync, name)(...args);
      const given = onShifted(onDevice(args)) as unknown[];
      alike(await onHost(operation(sync, name)(...given)), want, title);
    }
  },

  async cpu() {
    // The backend of typed arrays and that of tensors may differ.
    sync.setBackend('cpu');
    const { args } = driver.largeCall(caseOf('assignAnchorsBatch'));
    const want = operation(sync, 'assignAnchorsBatch')(...args);
    alike(await onHost(operation(sync, 'assignAnchorsBatch')(...(onDevice(args) as unknown[]))), want, 'cpu');
  },

  async outputs() {
    const a = cuda.tensor(Float32Array.of(0, 0, 2, 2, 1, 1, 3, 3), { shape: [2, 4] });
    const out = cuda.tensor([4]);
    strictEqual(sync.boxIou(a, a, { out }), out);
    deepStrictEqual(sync.boxIou(a, a).shape, [2, 2]);
    deepStrictEqual(sync.clipBoxes(a, { height: 2, width: 2 }).shape, [2, 4]);
    const keep = sync.nms(a, cuda.tensor(Float32Array.of(1, 2)), { iouThreshold: 0 });
    deepStrictEqual([keep.shape, keep.dtype, await keep.data()], [[1], 'int32', Int32Array.of(1)]);
    const logits = cuda.tensor([2, 3, 5]);
    const labels = cuda.tensor([6], { dtype: 'int32' });
    const { loss, grad, numPositives } = sync.sigmoidFocalLossValueAndGrad(logits, labels);
    deepStrictEqual([loss.shape, loss.dtype, grad.shape, numPositives.dtype], [[], 'float64', [2, 3, 5], 'float64']);
    deepStrictEqual(await numPositives.data(), Float64Array.of(6));
    deepStrictEqual(sync.sigmoidFocalLoss(logits, labels, { reduction: 'none' }).shape, [2, 3, 5]);
  },

  async memory() {
    const logits = cuda.tensor([100, 3]);
    const labels = cuda.tensor([100], { dtype: 'int32' });
    const before = cuda.memory();
    // Only what the caller gets stays: 8 bytes a number, 1200 a gradient.
    const results: [DeviceTensor[], number][] = [
      [[sync.sigmoidFocalLoss(logits, labels)], 8],
      [[sync.sigmoidFocalLoss(logits, labels, { reduction: 'none' })], 1200],
      [[sync.sigmoidFocalLossBackward(logits, labels, { gradOutput: 2 })], 1200],
      [Object.values(sync.sigmoidFocalLossValueAndGrad(logits, labels)) as DeviceTensor[], 1216],
      [[sync.boxIou(cuda.tensor([1, 4]), cuda.tensor([1, 4]))], 4 + 32],
    ];
    strictEqual(
      cuda.memory().bytes - before.bytes,
      results.reduce((sum, [, bytes]) => sum + bytes, 0),
    );
    for (const [tensors] of results) for (const tensor of tensors) tensor.dispose();
    strictEqual(cuda.memory().bytes - before.bytes, 32);
    await cuda.synchronize();
  },
});
