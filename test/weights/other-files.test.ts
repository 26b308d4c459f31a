// What users have in .pth files: it is read as PyTorch reads it, or refused in one sentence. Where Debian's python3-torch is.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { RetinanetOpsError } from 'retinanet-ops';
import { readAll } from './files.js';

const PYTHON = '/usr/bin/python3';
const isThere = spawnSync(PYTHON, ['-c', 'import torch']).status === 0;
const folder = mkdtempSync(join(tmpdir(), 'retinanet-ops-'));
test.after.always(() => {
  rmSync(folder, { recursive: true, force: true });
});

const REFUSED: [file: RegExp, message: RegExp][] = [
  [/^(legacy-)?model(-beside)?\.pth$/, /needs "torch\.nn\.modules\.container\.Sequential", which is not run$/],
  [
    /^namespace\.pth$/,
    /as torch\.save\(model\.state_dict\(\), FILE\) .* needs "argparse\.Namespace", which is not run$/,
  ],
  [/^numpy\.pth$/, /needs "numpy\.core\.multiarray\.scalar"/],
  [/^array\.pth$/, /needs "numpy\.core\.multiarray\._reconstruct"/],
  [/^sparse\.pth$/, /needs "torch\._utils\._rebuild_sparse_tensor"/],
  [/^complex\.pth$/, /needs "torch\.ComplexFloatStorage"/],
  [/^quantized\.pth$/, /needs "torch\._utils\._rebuild_qtensor"/],
  [/^(tensor|list|text)\.pth$/, /expected a state_dict for .*, received a pickle of something else$/],
  [/^script\.pt$/, /received a program of TorchScript, which is not run$/],
  [/^arrays\.npz$/, /an archive of torch\.save with one data\.pkl for .*, received one without$/],
  [
    /^array\.npy$|^empty\.zip$|^expected\.json$/,
    /expected a \.safetensors file, or one that torch\.save wrote for .* begins with/,
  ],
  [/^cut-at-/, /received a damaged one \(.*file is truncated\.\)$/],
];

(isThere ? test : test.skip)('files of PyTorch of every kind', async (t) => {
  const made = spawnSync(PYTHON, ['test/weights/other_files.py', folder], { encoding: 'utf8' });
  t.is(made.status, 0, made.stderr);
  const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Record<
    string,
    Awaited<ReturnType<typeof readAll>>
  >;
  const known = new Set<RegExp>();
  for (const name of readdirSync(folder)) {
    const bytes = readFileSync(join(folder, name));
    if (name in expected) {
      t.deepEqual(await readAll(bytes), expected[name], name);
      continue;
    }
    const rule = REFUSED.find(([file]) => file.test(name));
    if (rule === undefined) {
      t.fail(`${name}: nothing is expected of it`);
      continue;
    }
    known.add(rule[0]);
    const error = await t.throwsAsync<RetinanetOpsError>(readAll(bytes), { code: 'ERR_DATA', message: rule[1] }, name);
    t.false(error.message.includes('\n'), name);
  }
  t.is(known.size, REFUSED.length);
  t.true(Object.keys(expected).length > 15);
});
