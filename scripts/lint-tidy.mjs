// clang-tidy over the native sources, on every core. A source that passed is not looked at again until something changes that it is
// made of: itself, a header it includes, its compiler's flags, .clang-tidy, or clang-tidy. What passed is kept in build/lint.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = join(root, 'build', 'lint');

const sha256 = (...parts) =>
  parts.reduce((hash, part) => hash.update(part).update('\0'), createHash('sha256')).digest('hex');
const hashes = new Map();
function hashOf(file) {
  if (!hashes.has(file)) hashes.set(file, existsSync(file) ? sha256(readFileSync(file)) : 'absent');
  return hashes.get(file);
}

/** Every file that the compiler reads for a source, by make's rule that `-M` prints. */
function dependenciesOf(commands) {
  return commands.flatMap(({ command, directory }) => {
    const listing = `${command.replace(/ -o \S+/, '')} -M`;
    const { status, stdout } = spawnSync(listing, {
      cwd: directory,
      shell: true,
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    if (status !== 0) return [];
    const files = stdout.replaceAll('\\\n', ' ').replace(/^.*?:/, '').trim().split(/\s+/);
    return files.map((file) => resolve(directory, file));
  });
}

/** What is compiled several times is looked at once, other instruction sets apart; without the sanitizers. */
function compileCommands() {
  const all = JSON.parse(readFileSync(join(root, 'build', 'compile_commands.json'), 'utf8'));
  const plain = all.filter(({ command }) => !command.includes('-fsanitize='));
  return plain.filter(
    ({ command, file }, i) => command.includes('-DRN_ISA=') || i === plain.findIndex((other) => other.file === file),
  );
}

/** One line and what clang-tidy complains of: `ok`, or why not. */
export async function lintNative(sources) {
  const names = ['clang-tidy', 'clang-tidy-19', 'clang-tidy-14'];
  const tidy = names.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
  if (!tidy) return { skipped: 'not installed (on Debian or Ubuntu: apt-get install clang-tidy)' };
  if (!existsSync(join(root, 'build', 'compile_commands.json')))
    return { reports: ['run `npm run build:native` first\n'] };
  mkdirSync(folder, { recursive: true });
  const commands = compileCommands();
  writeFileSync(join(folder, 'compile_commands.json'), JSON.stringify(commands));
  const { stdout: version } = spawnSync(tidy, ['--version'], { encoding: 'utf8' });
  const config = readFileSync(join(root, '.clang-tidy'));

  const reports = [];
  let checked = 0;
  async function check(source) {
    const own = commands.filter(({ file }) => file === join(root, source));
    const flags = own.map(({ command }) => command);
    const keyOf = (files) => sha256(version, config, ...flags, ...files.flatMap((file) => [file, hashOf(file)]));
    const stamp = join(folder, `${source.replaceAll(/[\\/]/g, '_')}.json`);
    const passed = existsSync(stamp) ? JSON.parse(readFileSync(stamp, 'utf8')) : { files: [] };
    if (passed.key === keyOf(passed.files)) return;
    const files = [...new Set(dependenciesOf(own))].sort();
    const key = keyOf(files);
    checked++;
    const child = spawn(tidy, ['--quiet', '-p', folder, source], { cwd: root });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)));
    const code = await new Promise((done) => child.on('close', done).on('error', () => done(-1)));
    if (code !== 0) reports.push(`${source}\n${output}`);
    else if (files.length > 0) writeFileSync(stamp, JSON.stringify({ key, files }));
  }
  const queue = [...sources];
  const worker = async () => {
    for (let source = queue.shift(); source !== undefined; source = queue.shift()) await check(source);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return { reports, note: `${sources.length} sources, ${checked} of them new or changed` };
}
