// What TensorBoard is told of a run, read with a decoder of its own.
import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { resumeDetector } from 'retinanet-ops/retinanet';
import { EventFile } from '#lib/retinanet/session/event-file.js';
import { contents, temporary, train, writeSquares } from './squares.js';

/** CRC-32C bit by bit, as RFC 3720 defines it. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = crc % 2n === 1n ? (crc >> 1n) ^ 0x82f63b78n : crc >> 1n;
  }
  return Number(crc ^ 0xffffffffn);
}

const masked = (bytes: Uint8Array) => {
  const crc = BigInt(crc32c(bytes));
  return Number(((((crc >> 15n) | (crc << 17n)) & 0xffffffffn) + 0xa282ead8n) & 0xffffffffn);
};

/** The records of a file, whose checksums are right. */
function* recordsOf(file: Buffer): Iterable<Buffer> {
  for (let at = 0; at < file.length;) {
    const length = Number(file.readBigUInt64LE(at));
    const bytes = file.subarray(at + 12, at + 12 + length);
    const sums = [file.readUInt32LE(at + 8), file.readUInt32LE(at + 12 + length)];
    if (sums[0] !== masked(file.subarray(at, at + 8)) || sums[1] !== masked(bytes)) throw new Error(`at ${at}`);
    yield bytes;
    at += 16 + length;
  }
}

type Field = [number: number, value: Buffer | number];

/** The fields of a message: bytes, doubles and floats as their bytes, numbers. */
function fieldsOf(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = () => {
    let [value, shift] = [0, 1];
    for (;;) {
      const byte = bytes[at++]!;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
      shift *= 128;
    }
  };
  const take = (length: number) => bytes.subarray(at, (at += length));
  while (at < bytes.length) {
    const key = varint();
    const kind = key % 8;
    const value = kind === 0 ? varint() : take(kind === 1 ? 8 : kind === 5 ? 4 : varint());
    fields.push([Math.floor(key / 8), value]);
  }
  return fields;
}

interface Event {
  wallTime: number;
  step: number;
  version?: string;
  starts: boolean;
  scalars: Record<string, number>;
}

function eventOf(record: Buffer): Event {
  const event: Event = { wallTime: 0, step: 0, starts: false, scalars: {} };
  for (const [number, value] of fieldsOf(record)) {
    if (number === 1) event.wallTime = (value as Buffer).readDoubleLE();
    if (number === 2) event.step = value as number;
    if (number === 3) event.version = (value as Buffer).toString();
    if (number === 7) event.starts = fieldsOf(value as Buffer).some(([key, status]) => key === 1 && status === 1);
    if (number !== 5) continue;
    for (const [, one] of fieldsOf(value as Buffer)) {
      const scalar = new Map(fieldsOf(one as Buffer));
      event.scalars[(scalar.get(1) as Buffer).toString()] = (scalar.get(2) as Buffer | undefined)?.readFloatLE() ?? NaN;
    }
  }
  return event;
}

/** The events of each file of a run, in the order of their names. */
async function eventsOf(run: string): Promise<Event[][]> {
  const names = (await readdir(run)).filter((name) => name.includes('tfevents')).sort();
  const files = await Promise.all(names.map((name) => readFile(join(run, name))));
  return files.map((file) => [...recordsOf(file)].map(eventOf));
}

/** By tag and step what TensorBoard shows: a session that starts purges its step and later ones. */
function shown(files: readonly Event[][]): Record<string, [step: number, value: number][]> {
  const tags: Record<string, [step: number, value: number][]> = {};
  for (const { step, starts, scalars } of files.flat()) {
    if (starts) for (const tag of Object.keys(tags)) tags[tag] = tags[tag]!.filter(([other]) => other < step);
    for (const [tag, value] of Object.entries(scalars)) (tags[tag] ??= []).push([step, value]);
  }
  return tags;
}

test('the decoder knows the checksum', (t) => {
  t.is(crc32c(Buffer.from('123456789')), 0xe3069283);
});

test('zero is a number, and names are any', async (t) => {
  const folder = await temporary(t);
  const file = await EventFile.open(folder, 3);
  file.add(300_000, [['ä/Ω', 0], ['b', -1.5]]); // prettier-ignore
  file.close();
  const [events] = await eventsOf(folder);
  t.deepEqual(
    events!.map(({ wallTime: _, ...event }) => event),
    [
      { step: 0, starts: false, scalars: {}, version: 'brain.Event:2' },
      { step: 3, starts: true, scalars: {} },
      { step: 300_000, starts: false, scalars: { 'ä/Ω': 0, b: -1.5 } },
    ],
  );
});

test.serial('the scalars of metrics.jsonl are in the event file', async (t) => {
  const folder = await temporary(t);
  const [data, run] = [await writeSquares(folder), join(folder, 'run')];
  const begun = Date.now() / 1000;
  await train(data, run);
  const [events, ...others] = await eventsOf(run);
  t.deepEqual(others, []);
  t.is(events![0]!.version, 'brain.Event:2');
  t.true(events!.every(({ wallTime }) => wallTime >= begun - 1 && wallTime <= Date.now() / 1000 + 1));
  const { metrics } = await contents(run);
  const tags = shown([events!]);
  t.deepEqual(Object.keys(tags).sort(), [
    ...['boxLoss', 'classLoss', 'gradientNorm', 'imagesPerSecond', 'learningRate', 'loss'].map((n) => `training/${n}`),
    'validation AP by class/red',
    ...['AP', 'AP50', 'AP75', 'APs', 'AR100'].map((name) => `validation/${name}`), // both are small and red
  ]);
  const lines = metrics as unknown as ({ kind: string; step: number } & Record<string, number>)[];
  for (const [tag, name, kind] of [
    ['training/loss', 'loss', 'step'],
    ['training/learningRate', 'learningRate', 'step'],
    ['validation/AP', 'AP', 'validation'],
  ] as const) {
    const expected = lines
      .filter((line) => line.kind === kind)
      .map((line) => [line.step, Math.fround(line[name]!)] as [number, number]);
    t.deepEqual(tags[tag], expected, tag);
  }
  t.deepEqual(tags['validation AP by class/red'], tags['validation/AP']);
});

test.serial('a run that goes on from a checkpoint shows no step twice', async (t) => {
  const folder = await temporary(t);
  const [data, run] = [await writeSquares(folder), join(folder, 'run')];
  await train(data, join(folder, 'straight'));
  await train(data, run, {
    checkpointEvery: 3,
    onStep: async ({ step }) => {
      if (step !== 6) return;
      // As if the process ended here: the checkpoint of step 4 stays, two steps come after it.
      for (const name of ['last', 'best', 'config.json'])
        await cp(join(run, name), join(folder, 'killed', name), { recursive: true });
      for (const name of (await readdir(run)).filter((name) => /^(metrics|events)/.test(name))) {
        await cp(join(run, name), join(folder, 'killed', name));
      }
    },
  });
  const killed = join(folder, 'killed');
  t.is((await eventsOf(killed)).flat().filter(({ scalars }) => 'training/loss' in scalars).at(-1)!.step, 6); // prettier-ignore
  (await resumeDetector(killed)).net?.dispose();
  const after = await eventsOf(killed);
  t.is(after.length, 2);
  t.is(after[1]!.find(({ starts }) => starts)?.step, 5);
  const withoutPace = (tags: ReturnType<typeof shown>) => ({ ...tags, 'training/imagesPerSecond': undefined });
  t.deepEqual(withoutPace(shown(after)), withoutPace(shown(await eventsOf(join(folder, 'straight')))));
});
