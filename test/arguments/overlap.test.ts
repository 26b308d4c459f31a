// An output over an input would spoil what is still to be read: refused, but for the operand that docs name.
import test from 'ava';
import fc from 'fast-check';
import * as sync from 'retinanet-ops';
import { EVERY, operation, outputOf, outputsOf, withOptions } from '../operations/driver/calls.js';
import { cases } from '../operations/driver/cases.js';
import { at, paths, put, type Numbers } from '../operations/driver/trees.js';
import { f32, i32 } from '../support/arrays.js';
import { bits } from '../support/compare.js';
import { pick, random } from '../support/random.js';

// The types that this project compiles with leave it out.
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: { Memory: new (pages: object) => { buffer: SharedArrayBuffer; grow: (pages: number) => number } };
};

/** Memory seen through two buffers. */
const memories: Record<string, (bytes: number) => [ArrayBufferLike, ArrayBufferLike]> = {
  'one ArrayBuffer': (bytes) => {
    const buffer = new ArrayBuffer(bytes);
    return [buffer, buffer];
  },
  'one SharedArrayBuffer': (bytes) => {
    const buffer = new SharedArrayBuffer(bytes);
    return [buffer, buffer];
  },
  'a SharedArrayBuffer and its clone': (bytes) => {
    const buffer = new SharedArrayBuffer(bytes);
    return [buffer, structuredClone(buffer)];
  },
  "WebAssembly's shared memory before and after it grew": (bytes) => {
    const pages = Math.ceil(bytes / 2 ** 16);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages + 1, shared: true });
    const before = memory.buffer;
    memory.grow(1);
    return [before, memory.buffer];
  },
};

type Maker = new (buffer: ArrayBuffer, byteOffset: number, length: number) => Numbers;

test('outputs at every offset around every input: refused where they overlap, right where they do not', (t) => {
  const outcomes = { refused: 0, inPlace: 0, apart: 0 };
  const property = fc.property(
    fc.constantFrom(...cases.filter((c) => c.outputs !== undefined)),
    fc.constantFrom(...Object.values(memories)),
    fc.nat(),
    fc.integer({ min: -14, max: 14 }),
    (c, makeMemory, seed, shift) => {
      const next = random(seed);
      const inputs = c.inputs(next, pick(next, [1, 2, 3, 4]));
      const args = withOptions(inputs, pick(next, c.variants?.(...inputs) ?? [{}]));
      const outputs = outputsOf(c, args);
      if (outputs.length === 0) return;
      const { path: out, over, make } = pick(next, outputs);
      const path = pick(next, paths(args));
      const input = at(args, path) as Numbers;
      const call = operation(sync, c.name);
      const expected = bits(outputOf(call(...args), out));

      const apart = make();
      const start = 128;
      const [first, second] = makeMemory(2 * start + input.byteLength + apart.byteLength);
      const moved = new (input.constructor as Maker)(first as ArrayBuffer, start, input.length);
      moved.set(input);
      const output = new (apart.constructor as Maker)(second as ArrayBuffer, start + 4 * shift, apart.length);
      const overlaps = shift < input.length && -shift < output.length && input.length > 0 && output.length > 0;
      const inPlace = path === over && shift === 0;
      const run = () => call(...put(put(args, path, moved), out, output));
      if (overlaps && !inPlace) {
        outcomes.refused++;
        const before = bits(moved);
        const error = t.throws(run, { instanceOf: sync.RetinanetOpsError, code: 'ERR_OPTION' });
        t.regex(error?.message ?? '', new RegExp(`^${c.name}: expected .*apart from .* for out.*, received one over `));
        t.is(bits(moved), before);
      } else {
        outcomes[inPlace ? 'inPlace' : 'apart']++;
        t.is(bits(outputOf(run(), out)), expected, `${c.name} ${out} at ${shift} from ${path}`);
      }
    },
  );
  fc.assert(property, { seed: 6, numRuns: Math.max(400, Math.ceil(6000 / EVERY)) });
  t.log(outcomes);
  for (const count of Object.values(outcomes)) t.true(count > 0);
});

test('the message says which array, and what is allowed', (t) => {
  const memory = new Float32Array(14);
  const logits = memory.subarray(0, 6);
  const labels = i32(1, -1, 0);
  const out = (from: number) => ({ out: memory.subarray(from, from + 6) });
  t.throws(() => sync.sigmoidFocalLossBackward(logits, labels, out(1)), {
    message:
      'sigmoidFocalLossBackward: expected logits itself or an array apart from it for out, received one over part of it',
  });
  t.throws(() => sync.sigmoidFocalLoss(logits, labels, { ...out(0), reduction: 'none' }), {
    message: 'sigmoidFocalLoss: expected an array apart from logits for out, received one over the same memory',
  });
  const weights = memory.subarray(8, 11);
  t.throws(() => sync.sigmoidFocalLossBackward(logits, labels, { ...out(6), anchorWeights: weights }), {
    message:
      'sigmoidFocalLossBackward: expected an array apart from anchorWeights for out, received one over the same memory',
  });
  // Targets that are the logits themselves: the gradient in place of one would spoil the other.
  const both = f32(0.5, 1);
  t.throws(() => sync.sigmoidFocalLossBackward(both, both, { out: both }), { message: /apart from targets for out/ });
});

test('what shares a buffer, but no byte, and what is empty', (t) => {
  const memory = new Float32Array(12);
  const predictions = memory.subarray(0, 6);
  t.notThrows(() => sync.smoothL1LossBackward(predictions, new Float32Array(6), { out: memory.subarray(6) }));
  for (const at of [0, 3, 6]) {
    const empty = memory.subarray(at, at);
    t.notThrows(() => sync.smoothL1LossBackward(empty, empty, { out: empty }));
    t.notThrows(() => sync.boxIou(empty, memory.subarray(0, 4).fill(1), { out: memory.subarray(2, 2) }));
  }
  // Inputs may lie over each other.
  t.is(sync.smoothL1Loss(predictions, memory.subarray(0, 6)), 0);
});

test('an array that lies about where it lies', (t) => {
  class Liar extends Float32Array {
    override get byteOffset(): number {
      return 1e6;
    }
    override get byteLength(): number {
      return 0;
    }
    override get buffer(): ArrayBuffer {
      return new ArrayBuffer(8);
    }
  }
  const memory = new ArrayBuffer(28);
  const out = new Liar(memory, 4, 6);
  t.throws(() => sync.sigmoidFocalLossBackward(new Float32Array(memory, 0, 6), i32(0, 0, 0), { out }), {
    code: 'ERR_OPTION',
  });
});
