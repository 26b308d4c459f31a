// Files of weights, right and wrong ones.
import test from 'ava';
import fc from 'fast-check';
import type { RetinanetOpsError } from 'retinanet-ops';
import { bytesOf, goldens, readAll, safetensorsOf, zipOf } from './files.js';

for (const [name, { tensors }] of Object.entries(goldens)) {
  test(`${name} has the tensors that PyTorch put into it`, async (t) => {
    t.deepEqual(await readAll(bytesOf(name)), tensors);
  });
}

test('.safetensors of every type', async (t) => {
  const file = safetensorsOf(
    {
      __metadata__: { format: 'pt' },
      a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
      b: { dtype: 'I64', shape: [], data_offsets: [8, 16] },
      c: { dtype: 'BF16', shape: [1, 1], data_offsets: [16, 18] },
      d: { dtype: 'F16', shape: [0], data_offsets: [18, 18] },
      __proto__x: { dtype: 'F64', shape: [1], data_offsets: [18, 26] },
    },
    26,
  );
  const at = file.length - 26;
  file.writeFloatLE(1.5, at);
  file.writeFloatLE(-2, at + 4);
  file.writeBigInt64LE(-9n, at + 8);
  file.writeUInt16LE(0x3fc0, at + 16);
  file.writeDoubleLE(0.1, at + 18);
  t.deepEqual(await readAll(file), {
    a: { shape: [2], values: [1.5, -2] },
    b: { shape: [], values: [-9] },
    c: { shape: [1, 1], values: [1.5] },
    d: { shape: [0], values: [] },
    __proto__x: { shape: [1], values: [Math.fround(0.1)] },
  });
});

const f32 = (shape: unknown, from: number, to: number) => ({ dtype: 'F32', shape, data_offsets: [from, to] });
const huge = Buffer.alloc(16, ' ');
huge.writeBigUInt64LE(2n ** 63n);
huge.write('{', 8);

const pickle = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))));
const archive = (data: Uint8Array, more: Record<string, Uint8Array> = {}) => zipOf({ 'a/data.pkl': data, ...more });
const word = (text: string) => pickle([0x58, text.length, 0, 0, 0], text).toString('latin1');
const storage = (length: string, key = '0') =>
  `(${word('storage')}ctorch\nFloatStorage\n${word(key)}${word('cpu')}${length}tQ`;
const small = (n: number) => String.fromCharCode(0x4b, n);
/** {'w': a tensor} */
const tensor = (place: string, length = small(4), key?: string) =>
  pickle('\x80\x02}', `${word('w')}ctorch._utils\n_rebuild_tensor_v2\n(${storage(length, key)}${place}\x89}tRs.`);
const four = { 'a/data/0': Buffer.alloc(16) };

test('a pickle written by hand', async (t) => {
  const good = archive(tensor(`${small(0)}(${small(2)}${small(2)}t(${small(2)}${small(1)}t`), four);
  t.deepEqual(await readAll(good), { w: { shape: [2, 2], values: [0, 0, 0, 0] } });
});

const place = (offset: number, size: number, stride: number) => `${small(offset)}(${small(size)}t(${small(stride)}t`;
const hostile: [string, Uint8Array, RegExp][] = [
  ['nothing', Buffer.alloc(0), /expected a \.safetensors file.*received 0 bytes/],
  ['a page of HTML', Buffer.from('<!DOCTYPE html><html>'), /begins with "<!DOCTYPE"/],
  ['a header of 2^63 bytes', huge, /a header of at most/],
  ['a header that is cut off', safetensorsOf('{"a":', 0), /a header of JSON/],
  ['a header without tensors', safetensorsOf('{"a":7}', 0), /"a" without/],
  ['an unknown type', safetensorsOf({ a: { dtype: 'F4', shape: [1], data_offsets: [0, 1] } }, 1), /"a" without/],
  ['a size below 0', safetensorsOf({ a: f32([-1], 0, 4) }, 4), /"a" without/],
  ['too many elements', safetensorsOf({ a: f32([2 ** 40, 2 ** 40], 0, 4) }, 4), /"a" without/],
  ['a shape of other bytes', safetensorsOf({ a: f32([2], 0, 4) }, 4), /8 bytes for F32 \[2\]/],
  ['offsets that fall', safetensorsOf({ a: f32([1], 4, 0) }, 4), /4 bytes for F32/],
  [
    'tensors on the same bytes',
    safetensorsOf({ a: f32([1], 0, 4), b: f32([1], 0, 4) }, 4),
    /"b" from 4 for .*received some from 0/,
  ],
  ['offsets below 0', safetensorsOf({ a: f32([1], -4, 0) }, 4), /"a" from 0 for .*received some from -4/],
  ['offsets behind the end', safetensorsOf({ a: f32([9], 0, 36) }, 4), /36 bytes of numbers.*received 4/],
  [
    'a name that would run',
    archive(pickle('\x80\x02cos\nsystem\n(', word('true'), 'tR.')),
    /needs "os\.system", which is not run/,
  ],
  [
    'a name by the stack',
    archive(pickle('\x80\x04', [0x8c, 8], 'builtins', [0x8c, 4], 'eval', [0x93], '.')),
    /"builtins\.eval"/,
  ],
  ['an object by its class', archive(pickle('\x80\x02}}\x81.')), /opcode 0x81/],
  ['a pickle without an end', archive(pickle('\x80\x02}')), /cut off/],
  ['an empty stack', archive(pickle('\x80\x020.')), /a value on the stack/],
  ['a mark that is missing', archive(pickle('\x80\x02t.')), /a mark on the stack/],
  ['text longer than the file', archive(pickle('\x80\x02X', [255, 255, 255, 255])), /cut off/],
  ['a memo that is empty', archive(pickle('\x80\x02h\x07.')), /a memo 7 without one/],
  ['a list within itself', archive(pickle('\x80\x02]q\x00h\x00a.')), /a state_dict/],
  ['a dict within itself', archive(pickle('\x80\x02}q\x00', word('model'), 'h\x00s.')), /fit|^$/],
  [
    'many dicts of one list',
    archive(pickle('\x80\x02ccollections\nOrderedDict\nq\x000]q\x010h\x00h\x01\x85Rh\x00h\x01\x85R.')),
    /pairs for/,
  ],
  ['a call of what is no function', archive(pickle('\x80\x02})R.')), /calls that make tensors/],
  ['an offset behind the storage', archive(tensor(place(1, 4, 1)), four), /within its storage of 4 numbers/],
  ['strides behind the storage', archive(tensor(place(0, 2, 9)), four), /within its storage/],
  ['one number in many places', archive(tensor(place(0, 200, 0)), four), /within its storage/],
  ['an offset below 0', archive(tensor(`J\xff\xff\xff\xff(${small(1)}t(${small(1)}t`), four), /whole numbers >= 0/],
  [
    'a size of 2^62',
    archive(tensor(`${small(0)}(\x8a\x08\0\0\0\0\0\0\0\x40t(${small(1)}t`), four),
    /whole numbers >= 0/,
  ],
  ['a shape within itself', archive(tensor(`${small(0)}]q\x05h\x05a(${small(1)}t`), four), /whole numbers >= 0/],
  ['a storage that is not there', archive(tensor(place(0, 4, 1))), /an entry "a\/data\/0" of 16 bytes.*received none/],
  [
    'a storage of another size',
    archive(tensor(place(0, 4, 1)), { 'a/data/0': Buffer.alloc(8) }),
    /of 16 bytes.*received 8/,
  ],
  [
    'a storage by a path',
    archive(tensor(place(0, 4, 1), small(4), '../../etc'), four),
    /an entry "a\/data\/..\/..\/etc"/,
  ],
  ['an entry outside of the archive', zipOf({ '../a/data.pkl': Buffer.alloc(1) }), /an archive of torch\.save/],
  ['packed entries', zipOf({ 'a/data.pkl': Buffer.alloc(9) }, 8), /stored as they are.*data\.pkl", packed/],
  ['no pickle', zipOf({ 'a/b': Buffer.alloc(9) }), /with one data\.pkl.*received one without/],
  ['two pickles', zipOf({ 'a/data.pkl': Buffer.alloc(9), 'b/data.pkl': Buffer.alloc(9) }), /one with several/],
  [
    'big-endian numbers',
    archive(tensor(place(0, 4, 1)), { ...four, 'a/byteorder': Buffer.from('big') }),
    /received "big"/,
  ],
  ['a pickle of something else', pickle('\x80\x02}q\x00.       '), /the magic number of torch\.save/],
];

for (const [what, bytes, message] of hostile) {
  test(`refused: ${what}`, async (t) => {
    if (what === 'a dict within itself') return void t.deepEqual(await readAll(bytes), {});
    const error = await t.throwsAsync<RetinanetOpsError>(readAll(bytes), { code: 'ERR_DATA', message });
    t.regex(error.message, /^test: expected .* for .*\.pth, received /s);
  });
}

const whole = { ...Object.fromEntries(Object.keys(goldens).map((name) => [name, bytesOf(name)])) };
const samples: Record<string, Buffer> = {
  ...whole,
  'small.safetensors': safetensorsOf({ a: f32([2], 0, 8), b: { dtype: 'F16', shape: [2], data_offsets: [8, 12] } }, 12),
};

for (const [name, bytes] of Object.entries(samples)) {
  test(`${name}, cut off or changed, is read or refused`, async (t) => {
    const readOrRefused = async (changed: Uint8Array) => {
      await readAll(changed).catch((error: unknown) => {
        if ((error as RetinanetOpsError).code !== 'ERR_DATA') throw error as Error;
      });
    };
    const position = fc.nat(bytes.length - 1);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(position, fc.nat(255)), { minLength: 1, maxLength: 3 }), async (flips) => {
        const changed = Buffer.from(bytes);
        for (const [at, value] of flips) changed[at] = value;
        await readOrRefused(changed);
      }),
      { numRuns: 300 },
    );
    await fc.assert(
      fc.asyncProperty(position, async (length) => {
        await t.throwsAsync(readAll(bytes.subarray(0, length)), { code: 'ERR_DATA' });
      }),
      { numRuns: 100 },
    );
    t.pass();
  });
}
