// Large results lie in memory that collected ones have left: whatever is still held, in whatever form, keeps its values.
import test, { type ExecutionContext } from 'ava';
import { once } from 'node:events';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import {
  AnchorGrid,
  assignAnchors,
  backendInfo,
  decodeDetections,
  nms,
  sigmoidFocalLossValueAndGrad,
} from 'retinanet-ops';
import * as promises from 'retinanet-ops/promises';
import { random, randomBoxes } from '../support/random.js';
import { collect, inUse, result } from '../support/recycling.js';

// LLVM's C++ library is not the one that Node.js is built with on Linux.
const otherLibrary = /build.clang/.test(process.env.RETINANET_OPS_ADDON ?? '');
const recycles = process.platform === 'linux' && !otherLibrary;

type Transferable = ArrayBuffer & { transfer?: (length?: number) => ArrayBuffer };
const bufferOf = (array: Float32Array): Transferable => array.buffer as Transferable;
/** Looks at every page. */
const allAre = (mark: number, values: Float32Array): boolean => {
  for (let i = values.length - 1; i >= 0; i -= 509) if (values[i] !== mark) return false;
  return values.length > 0 || mark === 0;
};
const same = (a: Float32Array | Int32Array, b: Float32Array | Int32Array): boolean =>
  a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
/** Results that would take the place of what was given back too early. */
const disturb = (count: number): void => {
  for (let i = 0; i < 40; i++) result(count, -1);
  collect();
  for (let i = 0; i < 40; i++) result(count, -2);
};
const start = (task: string, mark: number): Worker =>
  new Worker(new URL('../support/recycling-worker.js', import.meta.url), { workerData: { task, mark } });

test.serial('it happens here, results of less than 64 KiB apart', async (t) => {
  const { memory } = backendInfo();
  t.is(memory.limit > 0, recycles);
  const before = await inUse((bytes) => bytes === 0);
  t.is(before, 0);
  const small = result(16_000, 1);
  t.is(backendInfo().memory.inUse, 0);
  const large = result(16_384, 2);
  t.is(backendInfo().memory.inUse, recycles ? 65_536 : 0);
  t.is(large.buffer.byteLength, large.byteLength);
  t.true(allAre(1, small) && allAre(2, large));
});

/** Results in every form in which they can be held, for a while; returns the most bytes that were kept meanwhile. */
async function comeAndGo(t: ExecutionContext): Promise<number> {
  const next = random(1);
  const forms: ((array: Float32Array) => () => Float32Array)[] = [
    (array) => () => array,
    (array) => {
      const view = array.subarray(array.length >> 1);
      return () => view;
    },
    (array) => {
      const { buffer } = array;
      return () => new Float32Array(buffer);
    },
    (array) => {
      const bytes = Buffer.from(array.buffer, 4, 4096);
      return () => new Float32Array(bytes.buffer, bytes.byteOffset, 1024);
    },
    (array) => {
      const view = new DataView(array.buffer);
      return () => new Float32Array(view.buffer);
    },
  ];
  const held: { mark: number; values: () => Float32Array }[] = [];
  let most = 0;
  for (let mark = 1; mark <= 3000; mark++) {
    const size = [20_000, 20_500, 100_000, 300_000, 1_000_000][Math.floor(5 * next() ** 2)]!;
    const array = result(size + Math.floor(100 * next()), mark);
    if (next() < 0.2) held.push({ mark, values: forms[Math.floor(forms.length * next())]!(array) });
    while (held.length > 0 && (held.length > 30 || next() < 0.15)) held.splice(Math.floor(held.length * next()), 1);
    if (mark % 500 === 0) collect();
    if (mark % 100 === 0) await Promise.resolve();
    const { kept, limit } = backendInfo().memory;
    most = Math.max(most, kept);
    if (kept > limit) t.fail(`${kept} bytes kept of ${limit}`);
    const one = held[Math.floor(held.length * next())];
    if (one && !allAre(one.mark, one.values())) t.fail(`result ${one.mark} has changed by ${mark}`);
  }
  for (const { mark, values } of held) t.true(allAre(mark, values()));
  return most;
}

test.serial('what is held keeps its values, whatever else comes and goes', async (t) => {
  const most = await comeAndGo(t);
  t.is(most > 0, recycles);
  t.is(await inUse((bytes) => bytes === 0), 0);
});

test.serial('a loop that never awaits gets its memory back', (t) => {
  let most = 0;
  for (let i = 0; i < 300; i++) {
    result(1_600_000, i);
    most = Math.max(most, backendInfo().memory.inUse);
  }
  t.is(most > 0, recycles);
  t.true(most <= 2 ** 28, `${most} bytes in use of ${300 * 6_400_000}`);
});

test.serial('a transferred result is at home where it arrives, and returns from there', async (t) => {
  const array = result(100_000, 3);
  const copy = structuredClone(array, { transfer: [bufferOf(array)] });
  t.is(array.length, 0);
  disturb(100_000);
  t.true(allAre(3, copy));
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(copy, [bufferOf(copy)]);
  disturb(100_000);
  const { message } = receiveMessageOnPort(port2) as { message: Float32Array };
  t.true(allAre(3, message));
  t.is(message.length, 100_000);
  port1.close();
  t.is(await inUse((bytes) => bytes > 0 && bytes < 2 ** 20), recycles ? 2 ** 19 : 0);
  t.true(allAre(3, message));
});

test.serial('ArrayBuffer.prototype.transfer, to the same length and others', async (t) => {
  if (bufferOf(result(20_000, 0)).transfer === undefined) {
    t.log('this Node.js has none');
    t.pass();
    return;
  }
  for (const length of [400_000, 100_000, 800_000]) {
    const array = result(100_000, 4);
    const moved = bufferOf(array).transfer!(length);
    t.is(array.length, 0);
    disturb(100_000);
    const count = Math.min(length, 400_000) / 4;
    t.is(moved.byteLength, length);
    t.true(allAre(4, new Float32Array(moved, 0, count)));
    t.true(allAre(0, new Float32Array(moved, 4 * count)));
  }
  t.is(await inUse((bytes) => bytes === 0), 0);
});

async function outlive(t: ExecutionContext): Promise<void> {
  const worker = start('give', 5);
  const exit = once(worker, 'exit');
  const [array] = (await once(worker, 'message')) as [Float32Array];
  await exit;
  disturb(100_000);
  t.true(allAre(5, array));
}

test.serial('a result outlives the worker that made it', async (t) => {
  for (let round = 0; round < 3; round++) await outlive(t);
  t.is(await inUse((bytes) => bytes === 0), 0);
});

test.serial('a worker that ends gives back what it was sent', async (t) => {
  const worker = start('take', 6);
  const array = result(100_000, 6);
  const exit = once(worker, 'exit');
  worker.postMessage(array, [bufferOf(array)]);
  const [intact] = (await once(worker, 'message')) as [boolean];
  t.true(intact);
  await exit;
  t.is(await inUse((bytes) => bytes === 0), 0);
});

test.serial('workers that are terminated leave nothing behind, and share the pool while they run', async (t) => {
  const workers = [start('loop', 7), start('loop', 8)];
  await Promise.all(workers.map(async (worker) => once(worker, 'message')));
  const held = Array.from({ length: 10 }, (_, i) => result(60_000, 10 + i));
  for (let i = 0; i < 200; i++) result(60_000, -1);
  held.forEach((array, i) => t.true(allAre(10 + i, array)));
  await Promise.all(workers.map(async (worker) => worker.terminate()));
  held.length = 0;
  t.is(await inUse((bytes) => bytes === 0), 0);
});

test.serial('promised results', async (t) => {
  const boxes = new Float32Array(400_000);
  const results = await Promise.all(
    Array.from({ length: 20 }, async () => promises.clipBoxes(boxes, { height: 9, width: 9 })),
  );
  results.forEach((array, i) => array.fill(i));
  disturb(400_000);
  results.forEach((array, i) => t.true(allAre(i, array)));
});

test.serial('results that native code makes, and heads of longer ones', (t) => {
  const grid = new AnchorGrid({ imageHeight: 512, imageWidth: 512 });
  const gt = randomBoxes(random(2), 300, 512, 30, 200);
  const labels = new Int32Array(300);
  const options = { positiveThreshold: 0.1, negativeThreshold: 0.1 };
  const first = assignAnchors(grid, gt, labels, options);
  const wanted = { positives: first.positives.slice(), boxTargets: first.boxTargets.slice() };
  t.true(first.positives.byteLength >= 2 ** 16 && first.boxTargets.byteLength >= 2 ** 16);
  t.is(first.boxTargets.buffer.byteLength, first.boxTargets.byteLength);
  for (let i = 0; i < 30; i++) {
    const again = assignAnchors(grid, gt, labels, options);
    t.true(same(again.positives, wanted.positives));
    t.true(same(again.boxTargets, wanted.boxTargets));
    again.boxTargets.fill(NaN);
  }
  t.true(same(first.boxTargets, wanted.boxTargets));

  const apart = Float32Array.from({ length: 80_000 }, (_, i) => 10 * (i >> 2) + (i % 4 < 2 ? 0 : 5));
  const scores = Float32Array.from({ length: 20_000 }, (_, i) => -i);
  t.deepEqual(
    nms(apart, scores),
    Int32Array.from({ length: 20_000 }, (_, i) => i),
  );

  const classLogits = new Float32Array(grid.count).fill(2);
  const boxDeltas = new Float32Array(4 * grid.count);
  const decode = { classLogits, boxDeltas, anchors: grid, topK: 40_000, maxDetections: 40_000, iouThreshold: 1 };
  const whole = decodeDetections(decode);
  classLogits.fill(-20, 30_000);
  const head = decodeDetections(decode);
  t.true(head.scores.length >= 2 ** 14 && head.scores.length < whole.scores.length);
  t.deepEqual([...new Set(head.scores)], [Math.fround(1 / (1 + Math.exp(-2)))]);
  t.is(head.boxes.buffer.byteLength, head.boxes.byteLength);
});

test.serial('the values are those of a caller’s own array, in memory that held others', (t) => {
  const next = random(3);
  const logits = Float32Array.from({ length: 160_000 }, () => 8 * next() - 6);
  const labels = Int32Array.from({ length: 2000 }, () => Math.floor(82 * next()) - 2);
  const out = new Float32Array(logits.length);
  sigmoidFocalLossValueAndGrad(logits, labels, { numClasses: 80, out });
  for (let i = 0; i < 40; i++) {
    result(logits.length, NaN);
    t.true(same(sigmoidFocalLossValueAndGrad(logits, labels, { numClasses: 80 }).grad, out));
  }
});
