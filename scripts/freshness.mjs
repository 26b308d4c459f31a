// Whether what was built is newer than what it was built from.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

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
  const folder = join(root, 'prebuilds', target);
  const name = existsSync(folder) && readdirSync(folder).find((file) => file.endsWith('.node'));
  return name ? join(folder, name) : undefined;
}

/** Whether the addon in prebuilds/ for a platform is absent or older than its sources. */
export function isOutdated(target) {
  const addon = addonOf(target);
  return !addon || statSync(addon).mtimeMs < newest(join(root, 'native'), join(root, 'CMakeLists.txt'));
}

/** Whether dist/ lacks an output, has one too many, or one older than the sources. */
export function isDistOutdated() {
  const files = (folder) =>
    existsSync(folder) ? readdirSync(folder, { recursive: true }).filter((file) => /\.[cm]?[jt]s$/.test(file)) : [];
  const wanted = files(join(root, 'lib')).flatMap((file) => {
    const [, name, kind] = /^(.*)\.([cm]?)ts$/.exec(file);
    return [`${name}.${kind}js`, `${name}.d.${kind}ts`];
  });
  const dist = join(root, 'dist');
  const found = files(dist);
  if (String(found.sort()) !== String(wanted.sort())) return true;
  const sources = newest(
    ...['lib', 'binding.d.ts', 'tsconfig.json', 'tsconfig.base.json'].map((name) => join(root, name)),
  );
  return found.some((file) => statSync(join(dist, file)).mtimeMs < sources);
}
