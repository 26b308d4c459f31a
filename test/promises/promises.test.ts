import test from 'ava';
import { isDeepStrictEqual } from 'node:util';
import * as sync from 'retinanet-ops';
import * as promises from 'retinanet-ops/promises';
import { calls, largeCall, operation } from '../operations/driver/calls.js';
import { cases } from '../operations/driver/cases.js';
import { runScript } from '../support/child.js';

// isDeepStrictEqual tells 0 from -0 and takes NaN for NaN, as bits would; it is much faster than t.deepEqual on long arrays.
test('the two forms of the package have the same names', (t) => {
  t.deepEqual(Object.keys(promises).sort(), Object.keys(sync).sort());
});

for (const c of cases) {
  test(`${c.name}, promised, equals its synchronous form to the bit`, async (t) => {
    for (const { title, args } of [...calls(c, c.rows.edges.length), largeCall(c)]) {
      t.true(isDeepStrictEqual(await operation(promises, c.name)(...args), operation(sync, c.name)(...args)), title);
    }
  });
}

test.serial('many calls in flight, while the number of threads changes', async (t) => {
  for (const threads of [1, 2, 8]) {
    const work = cases.flatMap((c) =>
      [1, 2, 3, 4].map((seed) => ({ ...largeCall(c, seed + 100 * threads), name: c.name })),
    );
    t.true(work.length >= 64);
    sync.setNumThreads(threads);
    const pending = work.map(async ({ name, args }) => operation(promises, name)(...args));
    sync.setNumThreads(threads === 8 ? 1 : 8);
    const results = await Promise.all(pending);
    sync.setNumThreads(1);
    work.forEach(({ name, args, title }, i) => {
      t.true(isDeepStrictEqual(results[i], operation(sync, name)(...args)), title);
    });
  }
  sync.setNumThreads(0);
});

test('an output array is the one that was given', async (t) => {
  const out = new Float32Array(6);
  const given = await promises.boxIou(new Float32Array(12), new Float32Array([0, 0, 1, 1, 2, 2, 4, 4]), { out });
  t.is(given, out);
});

test('a promised call refuses buffers that can shrink under it; a synchronous one takes them', async (t) => {
  type Resizable = new (length: number, options: { maxByteLength: number }) => ArrayBuffer;
  const boxes = new Float32Array(new (ArrayBuffer as unknown as Resizable)(32, { maxByteLength: 64 }));
  boxes.set([0, 0, 2, 2, 1, 1, 3, 3]);
  t.is(sync.boxIou(boxes, boxes).length, 4);
  const refused = { instanceOf: sync.RetinanetOpsError, code: 'ERR_DTYPE', message: /resizable/ };
  await t.throwsAsync(promises.boxIou(boxes, boxes), refused);
  await t.throwsAsync(
    promises.boxIou(new Float32Array(4), new Float32Array(8), { out: boxes.subarray(0, 2) }),
    refused,
  );
  class Liar extends Float32Array {
    override get buffer(): ArrayBuffer {
      return new ArrayBuffer(32);
    }
  }
  await t.throwsAsync(promises.boxIou(new Liar(boxes.buffer), boxes), refused);
});

test('garbage collection leaves what is in flight alone', (t) => {
  const { status, signal, stdout, stderr } = runScript('../promises/scripts/gc.js', [], {}, ['--expose-gc']);
  t.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: '' });
  t.regex(stdout, /^64 right/);
});

test('a process may end in the middle of promised work', (t) => {
  const ends = { natural: 0, exit: 7, 'exit-later': 7, throw: 1, reject: 1 };
  for (const [how, code] of Object.entries(ends)) {
    for (let i = 0; i < 3; i++) {
      const { status, signal, stderr } = runScript('../promises/scripts/exit.js', [how]);
      t.deepEqual({ how, status, signal }, { how, status: code, signal: null }, stderr);
    }
  }
});
