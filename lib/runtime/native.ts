// Finds and loads the native addon, once, on first use; says what to do where that fails.
import { existsSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { Binding } from '../../binding.js';
import addon from './addon.cjs';
import { RetinanetOpsError } from '../arguments/errors.js';
import { bundled, here, nodeRequire, root, UNBUNDLE } from './location.js';
import { startRecycling } from './recycling.js';

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
      const message = `could not load the native addon.\n${diagnosis(attempts)}\n${help(attempts)}`;
      throw new RetinanetOpsError('ERR_NATIVE', message, { cause });
    }
    startRecycling(binding);
    loaded = binding;
  }
  return loaded;
}

/**
 * Tries the places in order: what node-gyp-build chooses (what was compiled here, then the prebuilt binary for this platform),
 * then both by name, where the first is broken. Beside a bundle comes first. The environment variable RETINANET_OPS_ADDON names
 * another file instead of all.
 */
export function load(): { binding?: Binding; attempts: Attempt[] } {
  const attempts: Attempt[] = [];
  const named = process.env.RETINANET_OPS_ADDON;
  if (named) {
    const binding = attempt(attempts, resolve(named), nodeRequire);
    return { binding, attempts };
  }
  for (const folder of new Set([bundled ? here : root, root])) {
    const chosen = choose(attempts, folder);
    for (const file of places(folder, chosen)) {
      if (attempts.some((attempt) => attempt.file === file)) continue;
      // node-gyp-build's own call is what file tracers look for; in a bundle it would look in another folder.
      const binding = attempt(attempts, file, file === chosen && !bundled ? addon.load : nodeRequire);
      if (binding) return { binding, attempts };
    }
  }
  return { attempts };
}

function attempt(attempts: Attempt[], file: string, open: (file: string) => unknown): Binding | undefined {
  try {
    if (!existsSync(file)) {
      attempts.push({ file, outcome: 'absent' });
      return undefined;
    }
    const binding = open(file) as Binding;
    attempts.push({ file, outcome: 'loaded' });
    return binding;
  } catch (cause) {
    attempts.push({ file, outcome: 'failed', cause });
    return undefined;
  }
}

/** node-gyp-build's choice in a folder, if it is an addon of this package: beside a bundle may lie those of others. */
function choose(attempts: Attempt[], folder: string): string | undefined {
  const { LIBC } = process.env;
  // When it is first required, it looks for Alpine's file, unless LIBC is set; the permission model makes that throw.
  const blind = process.permission && !process.permission.has('fs.read', ALPINE);
  if (blind) process.env.LIBC = libc();
  try {
    const file = addon.choose(folder);
    return basename(file).startsWith('retinanet_ops') ? file : undefined;
  } catch (cause) {
    const nothing = String(cause).includes('No native build was found');
    if (!nothing) attempts.push({ file: 'node-gyp-build', outcome: 'failed', cause });
    return undefined;
  } finally {
    if (blind && !LIBC) delete process.env.LIBC;
  }
}

/** What node-gyp-build chose, and where an addon belongs, by the environment variables that it knows too. */
function* places(folder: string, chosen: string | undefined): Generator<string> {
  const { LIBC, PREBUILDS_ONLY, npm_config_platform: platform, npm_config_arch: arch } = process.env;
  const target = `${platform || process.platform}-${arch || process.arch}`;
  const prebuild = (name: string) => join(folder, 'prebuilds', target, `retinanet_ops.${name}.node`);
  if (chosen) yield chosen;
  if (bundled && folder === here) yield* beside(folder);
  else if (!PREBUILDS_ONLY) yield join(folder, 'build', 'Release', 'retinanet_ops.node');
  yield prebuild(libc());
  // Where other systems than Alpine have musl.
  if (!LIBC && process.platform === 'linux' && glibcVersion() === undefined) yield prebuild('musl');
}

function beside(folder: string): string[] {
  let names: string[] = [];
  try {
    names = readdirSync(folder).filter((name) => /^retinanet_ops.*\.node$/.test(name));
  } catch {
    // The permission model: trying the file says so.
  }
  return (names.length > 0 ? names : ['retinanet_ops.node']).map((name) => join(folder, name));
}

const ALPINE = '/etc/alpine-release';

/** As prebuildify names it: only Alpine's musl is told from everything else. */
function libc(): string {
  if (process.env.LIBC) return process.env.LIBC;
  if (process.platform !== 'linux') return 'glibc';
  try {
    return existsSync(ALPINE) ? 'musl' : 'glibc';
  } catch {
    return glibcVersion() === undefined ? 'musl' : 'glibc'; // the permission model
  }
}

function glibcVersion(): string | undefined {
  const reporter = process.report as (typeof process.report & { excludeNetwork?: boolean }) | undefined;
  if (!reporter) return undefined;
  const before = reporter.excludeNetwork;
  reporter.excludeNetwork = true; // looking up host names may take seconds
  const report = reporter.getReport() as { header?: { glibcVersionRuntime?: string } };
  reporter.excludeNetwork = before;
  return report.header?.glibcVersionRuntime;
}

/** Where this runs: platform, processor, C library, Node.js. */
export function platform(): string {
  const glibc = process.platform === 'linux' ? glibcVersion() : undefined;
  const name = glibc ? `, glibc ${glibc}` : ', musl or another libc than glibc';
  const where = `${process.platform}-${process.arch}${process.platform === 'linux' ? name : ''}`;
  return `${where}, Node.js ${process.versions.node} (Node-API ${process.versions.napi})`;
}

/** The diagnosis in lines: where this runs, which places were tried, what each said. */
export function diagnosis(attempts: readonly Attempt[]): string {
  const tried = attempts.map(({ file, outcome, cause }) => {
    const reason = String((cause as Error | undefined)?.message ?? cause).split('\n', 1)[0]!;
    return `  ${file}: ${outcome === 'failed' ? `failed, ${reason}` : outcome}`;
  });
  return [`Platform: ${platform()}`, 'Tried:', ...tried].join('\n');
}

/** What helps where no addon loads. */
export function help(attempts: readonly Attempt[]): string {
  const codes = attempts.map(({ cause }) => (cause as { code?: unknown } | undefined)?.code);
  if (codes.includes('ERR_ACCESS_DENIED') || codes.includes('ERR_DLOPEN_DISABLED')) {
    if (!process.permission) return 'Node.js was started with --no-addons, which forbids native addons.';
    const folder = process.env.RETINANET_OPS_ADDON || root;
    return `Node.js was started without permission for it. Add: --allow-fs-read=${resolve(folder)} --allow-addons`;
  }
  return bundled ? `${UNBUNDLE}, or copy the package's folder 'prebuilds' beside the bundle.` : BUILD;
}

const BUILD =
  'To compile one from the sources in this package (needs a C++17 compiler, CMake, and make or ninja): npx retinanet-ops build';
