// A scenario of what cuda.wrap, waitFor, record and stream refuse.
import { deepStrictEqual, ok, throws } from 'node:assert';
import { cuda } from 'retinanet-ops';
import { boxes, error, lastDevice, runScenario } from './scenario.js';

const { tensor, wrap } = cuda;

await runScenario({
  refusals() {
    const t = tensor(boxes);
    const host = cuda.pinnedFloat32Array(4);
    ok(host.length === 4);
    const { pointer } = t;
    const refused = (options: object, code: string, message: RegExp): void => {
      throws(() => wrap({ pointer, shape: [8], ...options }), error(code, message));
    };
    throws(
      () => wrap(undefined as never),
      error('ERR_DTYPE', /^cuda\.wrap: expected an object for options, received undefined/),
    );
    throws(
      () => wrap({ shape: [1] } as never),
      error('ERR_DTYPE', /an address as a BigInt for pointer, received undefined/),
    );
    refused({ pointer: 0n }, 'ERR_RANGE', /an address in \[1, 2\^64\) for pointer, received 0n/);
    refused({ pointer: -8n }, 'ERR_RANGE', /received -8n/);
    refused({ pointer: 2n ** 64n }, 'ERR_RANGE', /received 18446744073709551616n/);
    refused({ pointer: Number(pointer) }, 'ERR_DTYPE', /an address as a BigInt for pointer, received \d+/);
    refused(
      { pointer: pointer + 2n, shape: [1] },
      'ERR_RANGE',
      /a multiple of 4 \(float32\) for pointer, received \d+n/,
    );
    refused({ pointer: pointer + 1n, shape: [1], dtype: 'bfloat16' }, 'ERR_RANGE', /a multiple of 2 \(bfloat16\)/);
    refused({ pointer: pointer + 4n, shape: [1], dtype: 'float64' }, 'ERR_RANGE', /a multiple of 8 \(float64\)/);
    refused({ pointer: 4096n }, 'ERR_DEVICE', /memory of a device for pointer, received 4096n, which is no device's/);
    refused({ pointer: 4096n, device: 0 }, 'ERR_DEVICE', /memory of device 0 for pointer/);
    const last = lastDevice();
    const beyond = new RegExp(`\\[0, ${last}\\] for device, received ${last + 1}`);
    if (last > 0) refused({ device: 1 }, 'ERR_DEVICE', /memory of device 1 for pointer, received memory of device 0/);
    refused({ device: last + 1 }, 'ERR_RANGE', beyond);
    refused({ dtype: 'uint8' }, 'ERR_OPTION', /dtype, received 'uint8'/);
    refused({ dtype: 'float64' }, 'ERR_SHAPE', /at most 32 bytes.* for shape, received \[8\] of float64, 64 bytes/);
    refused({ pointer: pointer + 16n, shape: [5] }, 'ERR_SHAPE', /at most 16 bytes.* for shape, received \[5\]/);
    refused({ shape: undefined }, 'ERR_DTYPE', /an array of numbers for shape, received undefined/);
    refused({ shape: [2, -4] }, 'ERR_RANGE', /shape, received -4 at row 1/);
    refused({ onDispose: 1 }, 'ERR_DTYPE', /a function for onDispose, received 1/);
    refused({ ondispose: () => 1 }, 'ERR_OPTION', /'ondispose' \(did you mean 'onDispose'\?\)/);
    const event = cuda.record(last);
    deepStrictEqual([typeof event.event, event.device, Object.isFrozen(event)], ['bigint', last, true]);
    const unfit = (work: unknown, code: string, message: RegExp, device?: number): void => {
      throws(
        () => {
          cuda.waitFor(work as never, device);
        },
        error(code, message),
      );
    };
    unfit(undefined, 'ERR_DTYPE', /^cuda\.waitFor: expected an object for work, received undefined/);
    unfit(7n, 'ERR_DTYPE', /an object for work, received 7n/);
    unfit({}, 'ERR_OPTION', /either an event or a stream for work, received neither/);
    unfit({ event: 8n, stream: 8n }, 'ERR_OPTION', /received both/);
    unfit({ event: 0n }, 'ERR_RANGE', /a cudaEvent_t in \[1, 2\^64\) for work\.event, received 0n/);
    unfit({ event: 8 }, 'ERR_DTYPE', /a cudaEvent_t as a BigInt for work\.event, received 8/);
    unfit({ stream: -1n }, 'ERR_RANGE', /a cudaStream_t in \[0, 2\^64\) for work\.stream, received -1n/);
    unfit({ stream: 'default' }, 'ERR_DTYPE', /work\.stream, received 'default'/);
    unfit({ stream: cuda.stream(), device: 1 }, 'ERR_OPTION', /the second argument.* for work, received 'device'/);
    unfit({ events: event.event }, 'ERR_OPTION', /'events' \(did you mean 'event'\?\)/);
    unfit(event, 'ERR_RANGE', beyond, last + 1);
    throws(() => cuda.stream(-1), error('ERR_RANGE', /^cuda\.stream: .* for device, received -1/));
    throws(() => cuda.record('0' as never), error('ERR_DTYPE', /^cuda\.record: .* for device, received '0'/));
    t.dispose();
  },
});
