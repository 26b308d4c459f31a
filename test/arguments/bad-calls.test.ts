import test from 'ava';
import * as sync from 'retinanet-ops';
import * as promises from 'retinanet-ops/promises';
import { AnchorGrid, RetinanetOpsError, priorBias, setBackend, setNumThreads, type ErrorCode } from 'retinanet-ops';
import type { BadCall } from '../operations/driver/case.js';
import { operation, withOptions } from '../operations/driver/calls.js';
import { caseOf, cases } from '../operations/driver/cases.js';
import { digest } from '../operations/driver/trees.js';

/** 'auto', or what the whole run was told to use. */
const chosen = sync.getBackend();

/** The example with what a row of `bad` spoils. */
function spoilt(example: unknown[], row: BadCall): { args: unknown[]; code: ErrorCode; message: RegExp } {
  if (row.length === 3) return { args: withOptions(example, row[0]), code: row[1], message: row[2] };
  return { args: example.map((arg, i) => (i === row[0] ? row[1] : arg)), code: row[2], message: row[3] };
}

for (const c of cases) {
  const { name, bad } = c;
  test(`${name}: bad calls, plain and promised, throw a code, name what is wrong and leave outputs alone`, async (t) => {
    t.notThrows(() => operation(sync, name)(...c.example()));
    t.true(bad.length > 0);
    for (const row of bad) {
      const { args, code, message } = spoilt(c.example(), row);
      // Detached arrays have no bytes to look at; outputs do.
      const outputs = () => digest((args.at(-1) as { out?: unknown } | null | undefined)?.out ?? null);
      const before = outputs();
      const want = { instanceOf: RetinanetOpsError, code, message };
      const error = t.throws(() => operation(sync, name)(...args), want);
      t.true(error?.message.startsWith(`${name}: expected `), error?.message);
      let promise: unknown;
      t.notThrows(() => (promise = operation(promises, name)(...args)));
      await t.throwsAsync(promise as Promise<unknown>, want);
      t.is(outputs(), before);
    }
    t.log(`${bad.length} calls`);
  });
}

test('absurd grids', (t) => {
  const size = { imageHeight: 64, imageWidth: 64 };
  const rows: [options: unknown, code: ErrorCode, message: RegExp][] = [
    [undefined, 'ERR_DTYPE', /options, received/],
    [null, 'ERR_DTYPE', /options, received null/],
    [[64, 64], 'ERR_DTYPE', /options, received an Array/],
    [{ imageHeight: 64 }, 'ERR_DTYPE', /imageWidth, received undefined/],
    [{ ...size, imageHeight: 0 }, 'ERR_RANGE', /imageHeight, received 0/],
    [{ ...size, imageHeight: 64.5 }, 'ERR_RANGE', /imageHeight, received 64.5/],
    [{ imageHeight: 1e9, imageWidth: 1e9 }, 'ERR_RANGE', /imageHeight, received 1000000000/],
    [{ imageHeight: 2 ** 24, imageWidth: 2 ** 24 }, 'ERR_RANGE', /at most 2\^31 - 1 anchors for strides/],
    [{ ...size, strides: [] }, 'ERR_SHAPE', /1 to 1024 values for strides, received 0/],
    [{ ...size, strides: [8, -8] }, 'ERR_RANGE', /strides, received -8 at row 1/],
    [{ ...size, strides: [0] }, 'ERR_RANGE', /strides, received 0 at row 0/],
    [{ ...size, strides: [NaN] }, 'ERR_RANGE', /strides, received NaN/],
    [{ ...size, strides: [1e-300] }, 'ERR_RANGE', /2\^31 - 1 anchors/],
    [{ ...size, strides: [1e300], baseSizes: [8] }, 'ERR_RANGE', /strides, received 1e\+300/],
    [{ ...size, strides: ['8'] }, 'ERR_DTYPE', /strides, received '8' at row 0/],
    [{ ...size, strides: 8 }, 'ERR_DTYPE', /an array of numbers for strides, received 8/],
    [{ ...size, strides: null }, 'ERR_DTYPE', /strides, received null/],
    [{ ...size, strides: '8' }, 'ERR_DTYPE', /strides, received '8'/],
    [{ ...size, strides: new Proxy(Float32Array.of(8), {}) }, 'ERR_DTYPE', /an array of numbers for strides/],
    [{ ...size, strides: { length: 2 ** 32 } }, 'ERR_SHAPE', /strides, received 4294967296/],
    [{ ...size, strides: [8, 16], baseSizes: [32] }, 'ERR_SHAPE', /2 values, one per stride for baseSizes, received 1/],
    [{ ...size, baseSizes: [1, 1, 1, 1, 1e-30] }, 'ERR_RANGE', /baseSizes/],
    [{ ...size, scales: [] }, 'ERR_SHAPE', /scales, received 0/],
    [{ ...size, scales: [Infinity] }, 'ERR_RANGE', /scales, received Infinity/],
    [{ ...size, aspectRatios: [-1] }, 'ERR_RANGE', /aspectRatios, received -1/],
    [{ ...size, aspectRatios: [1n] }, 'ERR_DTYPE', /aspectRatios, received 1n/],
    [{ ...size, ratios: [1] }, 'ERR_OPTION', /'ratios'/],
  ];
  for (const [options, code, message] of rows) {
    t.throws(() => new AnchorGrid(options as never), { instanceOf: RetinanetOpsError, code, message });
  }
});

test('a bad box is found in a long array as in a short one', (t) => {
  for (const count of [10, 1024, 50_000]) {
    const good = Float32Array.from({ length: 4 * count }, (_, i) => (i % 4 < 2 ? i : i + 10));
    const scores = new Float32Array(count);
    t.notThrows(() => sync.encodeBoxes(good, good));
    for (const row of [0, 7, count - 1]) {
      const top = good[4 * row + 1] ?? NaN;
      for (const [column, value] of [
        [0, NaN],
        [1, -Infinity],
        [2, Infinity],
        [3, NaN],
        [2, -1e9],
        [3, top],
      ] as const) {
        const spoilt = good.slice();
        spoilt[4 * row + column] = value;
        const error = { code: 'ERR_BOX', message: new RegExp(`at row ${String(row)}$`) };
        t.throws(() => sync.encodeBoxes(spoilt, good), error);
        // Boxes without area are refused only where they would have to be divided by.
        const suppress = () => sync.nms(spoilt, scores, { maxOutput: 1 });
        if (Number.isFinite(value)) t.notThrows(suppress);
        else t.throws(suppress, error);
      }
    }
  }
});

test('large new arrays are written whole', (t) => {
  const [rows, numClasses] = [2000, 80];
  const labels = new Int32Array(rows).fill(-2);
  for (let round = 0; round < 3; round++) {
    const logits = new Float32Array(rows * numClasses).fill(1 + round);
    const options = { numClasses };
    t.true(sync.sigmoidFocalLossBackward(logits, labels, options).every((value) => value === 0));
    t.true(sync.sigmoidFocalLoss(logits, labels, { ...options, reduction: 'none' }).every((value) => value === 0));
    const boxes = Float32Array.from({ length: 4 * 400 }, (_, i) => (i % 4 < 2 ? i : i + 10));
    t.true(sync.boxIou(boxes, boxes).every((value) => value >= 0 && value <= 1));
    const far = Float32Array.of(-5000, -5000, -4990, -4990);
    const { labels: assigned, matches } = sync.assignAnchors(
      new AnchorGrid({ imageHeight: 640, imageWidth: 640 }),
      far,
      Int32Array.of(3),
    );
    t.true(assigned.every((label) => label === -1) && matches.every((match) => match === -1));
  }
});

test('a look-alike is no AnchorGrid, and a grid cannot be tampered with', (t) => {
  const grid = new AnchorGrid({ imageHeight: 64, imageWidth: 64 });
  const [, boxes, labels] = caseOf('assignAnchors').example();
  // eslint-disable-next-line @typescript-eslint/no-misused-spread -- losing the prototype is what is tested
  for (const fake of [Object.create(AnchorGrid.prototype), new Proxy(grid, {}), structuredClone({ ...grid })]) {
    t.throws(() => operation(sync, 'assignAnchors')(fake, boxes, labels), { code: 'ERR_DTYPE', message: /anchors/ });
  }
  t.throws(() => Object.assign(grid.levels[0] as object, { count: 1e9 }), { instanceOf: TypeError });
  t.throws(() => (grid.strides as number[]).push(1), { instanceOf: TypeError });
});

test('settings and the prior', (t) => {
  const throws = (call: () => unknown, code: ErrorCode, message: RegExp): void => {
    t.throws(call, { instanceOf: RetinanetOpsError, code, message });
  };
  for (const pi of [0, 1, -1, 2, NaN, Infinity]) throws(() => priorBias(pi), 'ERR_RANGE', /pi, received/);
  for (const pi of ['.01', null, 1n, []]) throws(() => priorBias(pi as never), 'ERR_DTYPE', /pi, received/);
  for (const count of [-1, 1.5, 1025, NaN])
    throws(
      () => {
        setNumThreads(count);
      },
      'ERR_RANGE',
      /count, received/,
    );
  throws(
    () => {
      setNumThreads('2' as never);
    },
    'ERR_DTYPE',
    /count, received '2'/,
  );
  throws(
    () => {
      setBackend('gpu' as never);
    },
    'ERR_OPTION',
    /'auto', 'cpu', 'cuda' for name, received 'gpu'/,
  );
  throws(
    () => {
      setBackend(undefined as never);
    },
    'ERR_OPTION',
    /name, received undefined/,
  );
  t.is(sync.getBackend(), chosen);
});

test('a backend that cannot be used says why', (t) => {
  const { cuda } = sync.backendInfo();
  if (cuda.available) return void t.pass();
  t.regex(cuda.reason ?? '', /./);
  t.throws(
    () => {
      setBackend('cuda');
    },
    { code: 'ERR_BACKEND', message: new RegExp(cuda.reason ?? '') },
  );
  t.throws(() => operation(sync, 'nms')(new Float32Array(0), new Float32Array(0), { backend: 'cuda' }), {
    code: 'ERR_BACKEND',
  });
  t.is(sync.getBackend(), chosen);
});

test('a result larger than an array can be', (t) => {
  const many = new Float32Array(4 * 100_000);
  t.throws(() => sync.boxIou(many, many), {
    instanceOf: RetinanetOpsError,
    code: 'ERR_OUT_OF_MEMORY',
    message: /10000000000/,
  });
});

test('the error class', (t) => {
  const error = t.throws<RetinanetOpsError>(() => priorBias(2));
  t.true(error instanceof Error);
  t.is(error.name, 'RetinanetOpsError');
  t.is(error.code, 'ERR_RANGE');
  t.is(String(error), `RetinanetOpsError: ${error.message}`);
  t.is(promises.RetinanetOpsError, RetinanetOpsError);
});
