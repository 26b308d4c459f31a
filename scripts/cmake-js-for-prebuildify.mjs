#!/usr/bin/env node
// Stands in for node-gyp where prebuildify calls it: `rebuild --target=... --devdir=... --arch=... --release` becomes
// `cmake-js rebuild` of this package into ./build, where prebuildify looks. The headers are node-api-headers', so the target
// version means nothing here; cmake-js's own --target names what to build. RETINANET_OPS_CMAKE carries further cmake-js options (scripts/prebuild.mjs: a cross compiler).
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { JOBS } from './toolchain.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const cmakeJs = join(dirname(createRequire(import.meta.url).resolve('cmake-js/package.json')), 'bin', 'cmake-js');
const arch = process.argv.find((argument) => argument.startsWith('--arch='))?.slice('--arch='.length) ?? process.arch;
const further = process.env.RETINANET_OPS_CMAKE ? JSON.parse(process.env.RETINANET_OPS_CMAKE) : [];

const { status, stdout, stderr, error } = spawnSync(
  process.execPath,
  [
    cmakeJs,
    'rebuild',
    '--directory',
    root,
    '--out',
    resolve('build'),
    '--arch',
    arch,
    '--parallel',
    JOBS,
    '--target',
    'retinanet_ops',
    ...further,
  ],
  { encoding: 'utf8', maxBuffer: 1 << 28 },
);
if (error) throw error;
if (status !== 0) process.stderr.write(stdout + stderr);
process.exit(status ?? 1);
