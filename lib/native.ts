// Finds and loads the native addon, once, on first use; says what to do where that fails.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Binding } from '../binding.js';
import { RetinanetOpsError } from './errors.js';
import { startRecycling } from './recycling.js';

/** The package's folder. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);

/** One place where an addon may lie, and what came of loading it. */
export interface Attempt {
  file: string;
  outcome: 'loaded' | 'absent' | 'failed';
  cause?: unknown;
}

let loaded: Binding | undefined;

/** The loaded addon. Throws ERR_NATIVE with a diagnosis where there is none for this platform. */
export function native(): Binding {
  if (!loaded) {
    const { binding, attempts } = load();
    if (!binding) {
      const causes = attempts.flatMap(({ cause }) => (cause === undefined ? [] : [cause]));
      const cause = causes.length > 1 ? new AggregateError(causes) : causes[0];
      throw new RetinanetOpsError('ERR_NATIVE', `could not load the native addon.\n${describe(attempts)}\n${HELP}`, {
        cause,
      });
    }
    startRecycling(binding);
    loaded = binding;
  }
  return loaded;
}

/** What helps where no addon loads. */
export const HELP =
  'To compile one from the sources in this package (needs a C++17 compiler, CMake, and make or ninja): npx retinanet-ops build';

/**
 * Tries the places in order: what was compiled here, then the prebuilt binary for this platform. The environment variable
 * RETINANET_OPS_ADDON names another file instead of both.
 */
export function load(): { binding?: Binding; attempts: Attempt[] } {
  const attempts: Attempt[] = [];
  for (const file of places()) {
    if (!existsSync(file)) {
      attempts.push({ file, outcome: 'absent' });
      continue;
    }
    try {
      const binding = require(file) as Binding;
      attempts.push({ file, outcome: 'loaded' });
      return { binding, attempts };
    } catch (cause) {
      attempts.push({ file, outcome: 'failed', cause });
    }
  }
  return { attempts };
}

function places(): string[] {
  const named = process.env.RETINANET_OPS_ADDON;
  if (named) return [resolve(named)];
  // The name that prebuildify gives: only Alpine's musl is told from everything else.
  const libc = process.platform === 'linux' && existsSync('/etc/alpine-release') ? 'musl' : 'glibc';
  const prebuild = join(root, 'prebuilds', `${process.platform}-${process.arch}`, `retinanet_ops.${libc}.node`);
  return [join(root, 'build', 'Release', 'retinanet_ops.node'), prebuild];
}

/** Where this runs: platform, processor, C library, Node.js. */
export function platform(): string {
  let libc = '';
  if (process.platform === 'linux') {
    const reporter = process.report as typeof process.report & { excludeNetwork?: boolean };
    const before = reporter.excludeNetwork;
    reporter.excludeNetwork = true; // looking up host names may take seconds
    const report = reporter.getReport() as { header?: { glibcVersionRuntime?: string } };
    reporter.excludeNetwork = before;
    const glibc = report.header?.glibcVersionRuntime;
    libc = glibc ? `, glibc ${glibc}` : ', musl or another libc than glibc';
  }
  return `${process.platform}-${process.arch}${libc}, Node.js ${process.versions.node} (Node-API ${process.versions.napi})`;
}

/** The diagnosis in lines: where this runs, which places were tried, what each said. */
export function describe(attempts: readonly Attempt[]): string {
  const tried = attempts.map(({ file, outcome, cause }) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return `  ${file}: ${outcome === 'failed' ? `failed, ${reason.trim()}` : outcome}`;
  });
  return [`Platform: ${platform()}`, 'Tried:', ...tried].join('\n');
}
