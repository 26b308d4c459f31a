// Where this code lies: in the package, or in a bundle that a user made of it.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// A CommonJS bundle has no import.meta.url; in webpack's it is the place where this file lay when it was bundled.
const url = import.meta.url as string | undefined;
const source = url?.startsWith('file:') ? dirname(fileURLToPath(url)) : undefined;
// `node -e` sets a global __dirname, '.'.
const bundle = typeof __dirname === 'string' && isAbsolute(__dirname) ? __dirname : undefined;

/** The folder of this file, or of the bundle. */
export const here = bundle ?? source ?? process.cwd();
const dist = [here, source].find((folder) => folder !== undefined && exists(join(folder, 'addon.cjs')));
/** Whether this runs from a bundle. */
export const bundled = dist !== here;
/** The package's folder, or the bundle's where the package is nowhere to be seen. */
export const root = dist === undefined ? here : join(dist, '..');
/** Node's own require, as no bundler rewrites it. */
export const nodeRequire = createRequire(join(dist ?? here, 'location.js'));
/** What helps where a bundle lacks what the package's folder has. */
export const UNBUNDLE = "This is a bundle: mark 'retinanet-ops' external, see docs/bundlers.md";

/** Whether there is such a file, as far as one may look. */
function exists(file: string): boolean {
  try {
    return existsSync(file);
  } catch {
    return false; // the permission model
  }
}
