// Scenarios of the memory that the package takes from a device beside others in the process, and gives back.
import { deepStrictEqual, ok, strictEqual, throws } from 'node:assert';
import { cuda } from 'retinanet-ops';
import { boxes, lastDevice, launch, MIB, overlaps, runScenario } from './scenario.js';
import { count, isTraced } from './trace.js';

const { tensor } = cuda;

await runScenario({
  async pool() {
    // Larger than the blocks of some 32 MiB of which a GPU hands out what is small: one of them stays in use.
    const size = 16 * MIB;
    strictEqual(cuda.memory().limit, Infinity);
    const large = tensor([size]);
    const small = tensor([1]);
    await large.data();
    ok(cuda.memory().reserved >= 4 * size);
    large.dispose();
    await cuda.synchronize();
    // Kept for the next one.
    strictEqual(cuda.memory().bytes, 4);
    const kept = cuda.memory().reserved;
    ok(kept >= 4 * size);
    // In whole blocks: the last one may reach beyond.
    const trimmed = cuda.memory({ trim: 3 * size }).reserved;
    ok(trimmed < kept && trimmed < 3 * size + 32 * MIB, `${trimmed} of ${kept}`);
    const { reserved } = cuda.memory({ trim: 0 });
    ok(reserved >= 4 && reserved < 4 * size, String(reserved));
    strictEqual((await small.data())[0], 0);
    // Nothing is kept once somebody has waited.
    strictEqual(cuda.memory({ limit: 0 }).limit, 0);
    tensor([size]).dispose();
    strictEqual(cuda.memory(0).limit, 0);
    await cuda.synchronize();
    await cuda.synchronize();
    ok(cuda.memory().reserved < 4 * size, String(cuda.memory().reserved));
    if (lastDevice() > 0) strictEqual(cuda.memory({ device: 1 }).limit, Infinity);
    strictEqual(cuda.memory({ limit: 5 * MIB }).limit, 5 * MIB);
    strictEqual(cuda.memory({ limit: Infinity }).limit, Infinity);
    if (isTraced) strictEqual(count('the default pool was changed'), 0);
  },

  refusals() {
    const refused = (options: unknown, code: string, message: RegExp): void => {
      throws(() => cuda.memory(options as never), { name: 'RetinanetOpsError', code, message });
    };
    refused(
      { limit: -1 },
      'ERR_RANGE',
      /^cuda\.memory: expected an integer in \[0, Infinity\) for limit, received -1$/,
    );
    refused({ limit: NaN }, 'ERR_RANGE', /limit, received NaN/);
    refused({ limit: '1' }, 'ERR_DTYPE', /an integer for limit, received '1'/);
    refused({ trim: 1.5 }, 'ERR_RANGE', /trim, received 1\.5/);
    refused({ trim: true }, 'ERR_DTYPE', /an integer for trim, received true/);
    refused({ trims: 0 }, 'ERR_OPTION', /'trims' \(did you mean 'trim'\?\)/);
    const next = lastDevice() + 1;
    refused({ device: next }, 'ERR_RANGE', new RegExp(`\\[0, ${next - 1}\\] for device, received ${next}`));
    refused(null, 'ERR_DTYPE', /an object for options, received null/);
    refused('0', 'ERR_DTYPE', /an object for options, received '0'/);
  },

  async blocks() {
    // Without pools blocks serve again, in the order of the stream, and nobody waits for the device.
    const first = tensor(boxes);
    await launch(first).data();
    const { reserved } = cuda.memory();
    const frees = count('free');
    for (let i = 0; i < 20; i++) {
      const result = launch(first);
      result.dispose();
      const again = launch(first);
      deepStrictEqual(await again.data(), overlaps);
      again.dispose();
    }
    ok(cuda.memory().reserved <= reserved + 8192, String(cuda.memory().reserved - reserved));
    strictEqual(count('free'), frees);
    const large = tensor([MIB]);
    large.dispose();
    ok(cuda.memory().reserved >= 4 * MIB);
    ok(cuda.memory({ trim: 0 }).reserved < MIB);
    deepStrictEqual(await first.data(), boxes);
    cuda.memory({ limit: 0 });
    tensor([MIB]).dispose();
    tensor([2 * MIB]).dispose();
    tensor([MIB, 3]).dispose();
    ok(cuda.memory().reserved < 13 * MIB);
  },
});
