// Memory of tensors is used again, but never under somebody who has read it.
import test from 'ava';
import * as tf from '@tensorflow/tfjs-core';
import { native } from '#lib/runtime/native.js';
import { on, tensor, numbers } from './support.js';

interface TensorMemory {
  readonly freeBytes: number;
  allocate(length: number): Float32Array;
  take(values: unknown): void;
  release(values: unknown): void;
}
const { TensorMemory: Memory, tensorMemory } = (await import(
  new URL('./tfjs/backend/memory.js', import.meta.resolve('retinanet-ops')).href
)) as { TensorMemory: new (limit: number) => TensorMemory; tensorMemory: TensorMemory };

test.before(async () => {
  await on('native', () => tf.zeros([1]));
});

const step = (): void => {
  tf.tidy(() => tf.sum(tf.relu(tf.sub(tf.mul(tf.fill([32, 64], 3), 2), tf.ones([64])))).dataSync());
};

test.serial('what was read keeps its values through a thousand further steps', async (t) => {
  const x = tensor(numbers(1, 2048, -4, 4, []), [32, 64]);
  const made = [tf.relu(x), tf.neg(x), tf.slice(tf.relu(x), [3, 0], [9, 64]), tf.reshape(tf.abs(x), [64, 32])];
  const read = [made[0]!.dataSync(), await made[1]!.data(), made[2]!.dataSync(), (await made[3]!.buffer()).values];
  const copies = read.map((values) => Array.from(values));
  tf.dispose([x, ...made]);
  for (let i = 0; i < 1000; i++) step();
  t.deepEqual(
    read.map((values) => Array.from(values)),
    copies,
  );
});

test.serial('tensors lie where lines of the cache begin; what is read of them has a buffer of its own', async (t) => {
  const x = tensor(numbers(1, 2048, -4, 4, []), [32, 64]);
  for (const length of [256, 257, 1000, 2 ** 20 + 3]) {
    const array = tensorMemory.allocate(length);
    t.is(array.length, length);
    t.is(native().bytesIntoLine(array), 0);
  }
  const made = tf.neg(x);
  const part = tf.slice(made, [3, 0], [9, 64]);
  t.is(made.dataSync().buffer.byteLength, 4 * 2048);
  t.is((await part.data()).buffer.byteLength, 4 * 9 * 64);
  t.deepEqual(await made.bytes(), new Uint8Array(made.dataSync().buffer));
  made.dataSync().fill(7);
  t.deepEqual(
    Array.from(made.dataSync()),
    Array.from(x.dataSync(), (value) => -value),
  );
  tf.dispose([x, made, part]);
});

test.serial('a part of a tensor outlives it', (t) => {
  const whole = tf.relu(tf.range(0, 4096));
  const part = tf.slice(whole, [1000], [1000]);
  const parts = tf.split(whole, 4);
  whole.dispose();
  for (let i = 0; i < 20; i++) tf.dispose(tf.relu(tf.fill([4096], 7)));
  t.is(tf.sum(part).dataSync()[0], (1000 + 1999) * 500);
  t.is(tf.sum(parts[3]!).dataSync()[0], (3072 + 4095) * 512);
  tf.dispose([part, parts]);
});

test.serial('steps take the memory that steps before them gave back', (t) => {
  for (let i = 0; i < 10; i++) step();
  const before = { free: tensorMemory.freeBytes, ...tf.memory() };
  const { arrayBuffers } = process.memoryUsage();
  for (let i = 0; i < 2000; i++) step();
  t.is(tensorMemory.freeBytes, before.free);
  t.is(tf.memory().numTensors, before.numTensors);
  t.is(tf.memory().numBytes, before.numBytes);
  // tf.ones and numbers that were read are not of the pool: 2000 steps of 8 KB of those would be 16 MB.
  t.true(process.memoryUsage().arrayBuffers - arrayBuffers < 64e6);
});

test.serial('tf.memory() counts tensors, and says that it is to be relied on', (t) => {
  const before = tf.memory();
  const x = tf.relu(tf.fill([100, 100], 2));
  t.is(
    tf.memory().numBytes - before.numBytes,
    2 * 40000 - 40000 * (tf.memory().numTensors - before.numTensors === 1 ? 1 : 0),
  );
  t.not(tf.memory().unreliable, true);
  x.dispose();
});

test('an array returns with the last tensor on its buffer, and is the next of its length', (t) => {
  const memory = new Memory(1e6);
  const array = memory.allocate(1000);
  memory.take(array);
  memory.take(array.subarray(10, 20));
  memory.release(array);
  t.is(memory.freeBytes, 0);
  t.not(memory.allocate(1000), array);
  memory.release(array.subarray(10, 20));
  t.is(memory.freeBytes, 4000);
  t.not(memory.allocate(999), array);
  t.is(memory.allocate(1000), array);
  t.is(memory.freeBytes, 0);
});

test('no more is kept than the limit; sizes that nobody asks for go first', (t) => {
  const memory = new Memory(40000);
  const use = (length: number, count: number): void => {
    const arrays = Array.from({ length: count }, () => memory.allocate(length));
    for (const array of arrays) memory.take(array);
    for (const array of arrays) memory.release(array);
  };
  use(1000, 4);
  use(2000, 3);
  t.is(memory.freeBytes, 40000);
  use(3000, 2);
  t.is(memory.freeBytes, 40000);
  const kept = memory.allocate(3000);
  t.is(memory.freeBytes, 28000);
  memory.take(kept);
  use(20000, 1);
  t.true(memory.freeBytes <= 40000);
});
