// Scalars for TensorBoard: Event messages of tensorflow/core/util/event.proto, in records of TensorFlow's TFRecord format.
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Messages, messageEncoder } from '../protobuf.js';

/** What their names begin with: TensorBoard finds them by it. */
export const EVENT_FILE = 'events.out.tfevents.';

const MESSAGES: Messages = {
  Event: {
    wallTime: ['double', 1],
    step: ['int64', 2],
    fileVersion: ['string', 3],
    summary: ['Summary', 5],
    sessionLog: ['SessionLog', 7],
  },
  Summary: { value: ['Value', 1, 'repeated'] },
  Value: { tag: ['string', 1], simpleValue: ['float', 2] },
  SessionLog: { status: ['int32', 1] },
};
/** Of a SessionLog: what earlier files say of its step and later ones counts no more. */
const START = 1;

export class EventFile {
  private readonly file: number;
  private readonly encode: (event: object) => Uint8Array;

  private constructor(file: number, encode: (event: object) => Uint8Array) {
    this.file = file;
    this.encode = encode;
  }

  /**
   * Begins a file in the folder, after those that are there. Those may be open in TensorBoard, so nothing is cut off them.
   *
   * @param first the step that comes next
   */
  static async open(folder: string, first: number): Promise<EventFile> {
    const encode = await messageEncoder(MESSAGES, 'Event');
    // Read in the order of their names: seconds of 10 digits, and milliseconds.
    const name = `${EVENT_FILE}${(Date.now() / 1000).toFixed(3)}`;
    const events = new EventFile(openSync(join(folder, name), 'a'), encode);
    events.write({ fileVersion: 'brain.Event:2' });
    events.write({ step: first, sessionLog: { status: START } });
    return events;
  }

  /** At once, as a whole. */
  add(step: number, scalars: readonly (readonly [tag: string, value: number])[]): void {
    this.write({ step, summary: { value: scalars.map(([tag, simpleValue]) => ({ tag, simpleValue })) } });
  }

  close(): void {
    closeSync(this.file);
  }

  private write(event: object): void {
    writeFileSync(this.file, recordOf(this.encode({ wallTime: Date.now() / 1000, ...event })));
  }
}

/** Length, its checksum, the bytes, their checksum. */
function recordOf(bytes: Uint8Array): Buffer {
  const record = Buffer.alloc(8 + 4 + bytes.length + 4);
  record.writeBigUInt64LE(BigInt(bytes.length));
  record.writeUInt32LE(maskedCrc(record.subarray(0, 8)), 8);
  record.set(bytes, 12);
  record.writeUInt32LE(maskedCrc(bytes), 12 + bytes.length);
  return record;
}

/** CRC-32C (Castagnoli), of each byte. */
const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  return crc;
});

/** Turned and moved, as TFRecord has it, so that a checksum of checksums says something. */
function maskedCrc(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC[(crc ^ byte) & 0xff]!;
  crc = ~crc;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
