// A user's project outside of this one, with the packed package installed into it.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface Run {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** What `npm pack --json` says of a package. */
export interface Packed {
  filename: string;
  unpackedSize: number;
  files: { path: string }[];
}

export const PLATFORM = `${process.platform}-${process.arch}`;

/** The first file of that name on PATH. */
function which(name: string): string {
  const folder = (process.env.PATH ?? '').split(delimiter).find((path) => existsSync(join(path, name)));
  if (folder === undefined) throw new Error(`${name} is not on PATH`);
  return realpathSync(join(folder, name));
}

export function run(cwd: string, command: string, args: string[], env: NodeJS.ProcessEnv = process.env): Run {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env: Object.fromEntries(
      Object.entries(env).filter(([name]) => !/^(npm_|AVA|NODE_)/.test(name) || name === 'npm_config_cache'),
    ),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: 600_000,
  });
  if (error) throw error;
  return { status, stdout, stderr };
}

function must({ status, stdout, stderr }: Run, what: string): string {
  if (status !== 0) throw new Error(`${what} ended with ${String(status)}\n${stdout}${stderr}`);
  return stdout;
}

/** An environment whose PATH has node, npm and a shell, and nothing that compiles. */
export function bareEnvironment(folder: string, node = process.execPath): NodeJS.ProcessEnv {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  for (const [name, target] of [
    ['node', realpathSync(node)],
    ['npm', which('npm')],
    ['npx', which('npx')],
    ['sh', which('sh')],
  ] as const)
    symlinkSync(target, join(bin, name));
  return { ...process.env, PATH: bin, CXX: '' };
}

/** Test files run side by side, and packing builds in this folder: one at a time. The lock names its process. */
function alone<T>(work: () => T): T {
  const lock = join('build', 'packing');
  mkdirSync('build', { recursive: true });
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch {
      if (isAbandoned(lock)) rmSync(lock, { force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
  try {
    return work();
  } finally {
    rmSync(lock);
  }
}

function isAbandoned(lock: string): boolean {
  try {
    const pid = Number(readFileSync(lock, 'utf8'));
    return pid > 0 && !process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Packs into a new folder, which builds what is missing or outdated, and says what is in the package. */
export function pack(): { tarball: string; packed: Packed; folder: string } {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'retinanet-ops-')));
  const out = alone(() => must(run('.', 'npm', ['pack', '--json', '--pack-destination', folder]), 'npm pack'));
  const packed = (JSON.parse(out.slice(out.search(/^\[/m))) as Packed[])[0]!; // some npm name the script they ran first
  return { tarball: join(folder, packed.filename), packed, folder };
}

/** A new, empty project. */
export function project(folder: string, name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, 'package.json'), JSON.stringify({ name, version: '1.0.0', private: true }));
  return path;
}

export function install(cwd: string, env: NodeJS.ProcessEnv, ...specifiers: string[]): void {
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  must(run(cwd, 'npm', ['install', ...options, ...specifiers], env), `npm install ${specifiers.join(' ')}`);
}

/** The real node binary of a major version, or null where npm does not have it or is out of reach. */
export function nodeBinary(major: number): string | null {
  return must(run('.', process.execPath, ['scripts/node-binary.mjs', String(major)]), 'npm').trim() || null;
}
