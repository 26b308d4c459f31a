// What a prebuild promises, read from the binary with objdump: which glibc it needs, which libraries, what it shows, that it is
// stripped and has no text relocations, how large it is; on Windows, how it moves vectors. Usage: node scripts/inspect-prebuild.mjs [FOLDER ...].
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Node's own floor: its Linux binaries ask for glibc 2.28. */
const GLIBC_FLOOR = '2.28';
const MEBIBYTE = 2 ** 20;
/** An addon, and a CUDA plugin with the kernels of several generations and the static CUDA runtime. */
const SIZE_LIMIT = { '.node': 3 * MEBIBYTE, '.so': 12 * MEBIBYTE };
const LIBRARIES =
  /^(libc\.so\.6|libm\.so\.6|libpthread\.so\.0|libdl\.so\.2|librt\.so\.1|ld-linux-(x86-64|aarch64)\.so\.\d)$/;
/** Alpine's musl is all of these in one; its files name no versions. */
const MUSL_LIBRARIES = /^(libc\.musl-(x86_64|aarch64)\.so\.1|libc\.so)$/;
const EXPORTS = {
  '.node': /^(napi_register_module_v\d+|node_api_module_get_api_version_v\d+)$/,
  '.so': /^retinanet_ops_\w+$/,
};

const byVersion = (a, b) => a.localeCompare(b, 'en', { numeric: true });

function run(tool, ...args) {
  const { status, stdout, stderr, error } = spawnSync(tool, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (error || status !== 0) throw new Error(`${tool} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}
const objdump = (...args) => run('objdump', ...args);

/** mingw-w64's reads what Windows loads. */
const WINDOWS_OBJDUMP = 'x86_64-w64-mingw32-objdump';
/** Windows' own, of every version that Node.js runs on. */
const WINDOWS_LIBRARIES = /^(kernel32|msvcrt)\.dll$/i;

function inspectFile(file, faults) {
  const extension = file.endsWith('.node') ? '.node' : '.so';
  const symbols = objdump('-T', file).split('\n');
  const headers = objdump('-p', file);
  const blame = (sentence) => faults.push(`  ${relative(process.cwd(), file)}: ${sentence}`);

  // "0000000000000000      DF *UND*  0000000000000000 (GLIBC_2.14) memcpy"
  const needed = symbols.flatMap((line) => {
    const match = /\*UND\*.*\(?GLIBC_([\d.]+)\)?\s+(\S+)$/.exec(line);
    return match ? [{ version: match[1], name: match[2] }] : [];
  });
  needed.sort((a, b) => byVersion(b.version, a.version));
  const musl = file.endsWith('.musl.node');
  if (musl && needed.length > 0) blame(`needs glibc, for ${needed[0].name}.`);
  const glibc = needed[0]?.version ?? 'none';
  const holders = needed.filter(({ version }) => version === glibc).map(({ name }) => name);
  const tooNew = musl ? [] : needed.filter(({ version }) => byVersion(version, GLIBC_FLOOR) > 0);
  if (tooNew.length > 0) {
    const list = tooNew.map(({ name, version }) => `${name} (${version})`).join(', ');
    blame(
      `needs a glibc newer than ${GLIBC_FLOOR} for ${list}; native/portable/old_glibc.cc is the place to bind older ones.`,
    );
  }

  const libraries = [...headers.matchAll(/NEEDED\s+(\S+)/g)].map((match) => match[1]);
  const allowed = musl ? MUSL_LIBRARIES : LIBRARIES;
  for (const name of libraries) if (!allowed.test(name)) blame(`needs ${name}, which a system may lack.`);
  if (/TEXTREL/.test(headers)) blame('has text relocations.');
  if (/RPATH|RUNPATH/.test(headers)) blame('carries a search path of the machine it was built on.');

  const shown = symbols
    .filter((line) => /^[0-9a-f]{8,} [gwu]/.test(line) && !line.includes('*UND*'))
    .map((line) => line.split(/\s+/).at(-1));
  for (const name of shown) if (!EXPORTS[extension].test(name)) blame(`shows the symbol ${name}.`);
  if (!/no symbols/.test(objdump('-t', file))) blame('is not stripped.');
  const system = musl ? 'musl' : `glibc ${glibc} (${holders.join(', ')})`;
  return `${inspectCommon(file, faults)}, ${system}, needs ${libraries.join(' ')}, shows ${shown.length} symbols`;
}

/** What holds on every system. */
function inspectCommon(file, faults) {
  const name = relative(process.cwd(), file);
  const size = statSync(file).size;
  const limit = SIZE_LIMIT[file.endsWith('.node') ? '.node' : '.so'];
  if (readFileSync(file).includes(resolve('.'))) faults.push(`  ${name}: names the folder it was built in.`);
  if (size > limit) faults.push(`  ${name}: has ${size} bytes, the limit is ${limit}.`);
  return `${name}: ${(size / MEBIBYTE).toFixed(2)} MiB`;
}

function inspectWindowsFile(file, faults) {
  const headers = run(WINDOWS_OBJDUMP, '-p', file);
  const blame = (sentence) => faults.push(`  ${relative(process.cwd(), file)}: ${sentence}`);
  const libraries = [...headers.matchAll(/DLL Name: (\S+)/g)].map((match) => match[1]);
  for (const name of libraries) if (!WINDOWS_LIBRARIES.test(name)) blame(`needs ${name}, which a system may lack.`);
  const names = /\[Ordinal\/Name Pointer\] Table[^\n]*\n((?:\s+\[.*\n)*)/.exec(headers)?.[1] ?? '';
  const shown = [...names.matchAll(/\]\s+(?:\+base\[.*?\]\s+\w+\s+)?(\S+)$/gm)].map((match) => match[1]);
  if (shown.length === 0) blame('shows nothing to Node.js.');
  for (const name of shown) if (!EXPORTS['.node'].test(name)) blame(`shows the symbol ${name}.`);
  if (!/no symbols/.test(run(WINDOWS_OBJDUMP, '-t', file))) blame('is not stripped.');
  // CMakeLists.txt says why. Streamed ones (vmovnt) go to arrays, which are aligned.
  const moves = run(WINDOWS_OBJDUMP, '-d', '--no-show-raw-insn', file).match(/\svmov(ap[sd]|dqa(32|64)?)\s.*%[yz]mm/g);
  if (moves) blame(`moves ${moves.length} vectors as if Windows' stack were aligned to them.`);
  return `${inspectCommon(file, faults)}, needs ${libraries.join(' ')}, shows ${shown.length} symbols`;
}

/** Lines that tell about the binaries in a folder of prebuilds, and what is wrong with them. */
export function inspect(folder) {
  const faults = [];
  const files = readdirSync(folder).filter((name) => /\.(node|so)$/.test(name));
  if (!files.some((name) => name.endsWith('.node'))) faults.push(`  ${folder}: holds no addon.`);
  const windows = /win32-/.test(folder);
  if (!windows && !/linux-/.test(folder))
    return { lines: files.map((name) => join(relative(process.cwd(), folder), name)), faults };
  const tool = windows ? WINDOWS_OBJDUMP : 'objdump';
  if (spawnSync(tool, ['--version'], { stdio: 'ignore' }).status !== 0) {
    const hint = `apt-get install ${windows ? 'binutils-mingw-w64-x86-64' : 'binutils'}`;
    return { lines: [`${folder}: NOT INSPECTED, ${tool} is missing (${hint})`], faults };
  }
  const inspectOne = windows ? inspectWindowsFile : inspectFile;
  return { lines: files.map((name) => inspectOne(join(folder, name), faults)), faults };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const all = existsSync('prebuilds') ? readdirSync('prebuilds').map((name) => join('prebuilds', name)) : [];
  const results = (process.argv.length > 2 ? process.argv.slice(2) : all).map(inspect);
  for (const { lines } of results) for (const line of lines) console.log(line);
  const faults = results.flatMap((result) => result.faults);
  for (const fault of faults) console.error(fault);
  if (faults.length > 0 || results.length === 0) process.exit(1);
}
