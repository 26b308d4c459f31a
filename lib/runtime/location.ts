// Where this code lies: in the package, or in a bundle that a user made of it.
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

declare const __webpack_base_uri__: string | URL | undefined;

// In a bundle import.meta.url is the bundle's (esbuild, ES module), absent (esbuild, CommonJS), or the place where this file lay
// when it was bundled (webpack). `node -e` sets a global __dirname, '.'.
const source = folderOf(import.meta.url);
const webpack = typeof __webpack_base_uri__ === 'undefined' ? undefined : folderOf(__webpack_base_uri__);
const commonJs = typeof __dirname === 'string' && isAbsolute(__dirname) ? __dirname : undefined;

/** The folder of this file, or of the bundle. */
export const here = webpack ?? commonJs ?? source ?? process.cwd();
const nodeModule = process.getBuiltinModule('node:module'); // a way to require() that no bundler rewrites
const runtime = [here, source].find(isPackage) ?? installed();
/** Whether this runs from a bundle. */
export const bundled = runtime !== here;
/** The package's folder, or the bundle's where the package is nowhere to be seen. */
export const root = runtime === undefined ? here : join(runtime, '..', '..');
/** Node's own require. */
export const nodeRequire = nodeModule.createRequire(join(runtime ?? here, 'location.js'));
/** What helps where a bundle lacks what the package's folder has. */
export const UNBUNDLE = "This is a bundle: mark 'retinanet-ops' external, see docs/bundlers.md";

function isPackage(folder: string | undefined): boolean {
  try {
    return folder !== undefined && existsSync(join(folder, 'addon.cjs'));
  } catch {
    return false; // the permission model
  }
}

function folderOf(url: string | URL | undefined): string | undefined {
  return url && String(url).startsWith('file:') ? fileURLToPath(new URL('.', url)) : undefined;
}

/** The package that a bundle in the same project would import, were it external. */
function installed(): string | undefined {
  try {
    return join(
      nodeModule.createRequire(join(here, 'bundle.js')).resolve('retinanet-ops/package.json'),
      '..',
      'dist',
      'runtime',
    );
  } catch {
    return undefined;
  }
}
