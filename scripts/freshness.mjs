// Whether what was built is newer than what it was built from, and is all there.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prebuildOf } from './toolchain.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function newest(...paths) {
  const times = paths.map((path) => {
    const stat = statSync(path);
    return stat.isDirectory() ? newest(...readdirSync(path).map((name) => join(path, name))) : stat.mtimeMs;
  });
  return Math.max(-Infinity, ...times);
}

/** The addon in prebuilds/ for a platform, or undefined. */
export function addonOf(target) {
  const { folder, file } = prebuildOf(target);
  const addon = join(root, 'prebuilds', folder, file);
  return existsSync(addon) ? addon : undefined;
}

/** Whether the addon in prebuilds/ for a platform is absent or older than its sources. */
export function isOutdated(target) {
  const addon = addonOf(target);
  return !addon || statSync(addon).mtimeMs < newest(join(root, 'native'), join(root, 'CMakeLists.txt'));
}

/** Folders of TypeScript, and where their outputs go within dist and dist-dev. */
const SOURCES = { dist: { lib: '' }, 'dist-dev': { test: 'test', bench: 'bench', demo: 'demo' } };

/** Which outputs dist or dist-dev lacks, and which it has whose source is gone. */
export function outputsOf(out) {
  const files = (folder) =>
    existsSync(join(root, folder)) ? readdirSync(join(root, folder), { recursive: true }) : [];
  const wanted = Object.entries(SOURCES[out]).flatMap(([folder, to]) =>
    files(folder).flatMap((file) => {
      const [, name, kind] = /^(.*)(?<!\.d)\.(c?)ts$/.exec(file) ?? [];
      if (name === undefined) return [];
      return [`${name}.${kind}js`, ...(out === 'dist' ? [`${name}.d.${kind}ts`] : [])].map((path) => join(to, path));
    }),
  );
  const found = files(out).filter((file) => /\.c?[jt]s$/.test(file));
  return {
    missing: wanted.filter((file) => !found.includes(file)).map((file) => join(root, out, file)),
    stale: found.filter((file) => !wanted.includes(file)).map((file) => join(root, out, file)),
  };
}
