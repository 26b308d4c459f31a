// `npm run bench -- [options]`: builds everything, then runs the TypeScript benchmarks with the same options.
// `npm run bench:paper -- [options]`: the same of the paper's comparisons, which train networks for hours; `bench:fine-tuning` of
// trained weights as a beginning.
// `npm run bench:native -- [options]`: builds and runs the ones that involve no Node (this launcher aside).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, release } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { JOBS } from './toolchain.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function run(command, args, quiet = false) {
  const options = { cwd: root, stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit', encoding: 'utf8' };
  const { status, stdout, stderr, error } = spawnSync(command, args, options);
  if (error) console.error(error.message);
  if (status === 0) return;
  process.stderr.write((stdout ?? '') + (stderr ?? ''));
  process.exit(status ?? 1);
}

/** The addon's build folder where there is one, for what is compiled already; else one of its own, which needs no Node. */
function buildExecutable() {
  let folder = join(root, 'build');
  if (!existsSync(join(folder, 'CMakeCache.txt'))) {
    folder = join(folder, 'bench');
    run('cmake', ['-S', '.', '-B', folder, '-DCMAKE_BUILD_TYPE=Release'], true);
  }
  run('cmake', ['--build', folder, '--config', 'Release', '--target', 'retinanet_bench', '--parallel', JOBS], true);
  const file = process.platform === 'win32' ? 'retinanet_bench.exe' : 'retinanet_bench';
  return [join(folder, 'Release', file), join(folder, file)].find((path) => existsSync(path));
}

const [what, ...rest] = process.argv.slice(2);
if (what === 'native') {
  const executable = buildExecutable();
  const results = join(root, 'bench', 'results');
  mkdirSync(results, { recursive: true });
  const json = join(results, `native-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.json`);
  run(executable, ['--json', json, ...rest]);
  if (existsSync(json)) {
    const machine = {
      cpu: cpus()[0]?.model.trim(),
      cores: cpus().length,
      system: `${platform()} ${arch()} ${release()}`,
    };
    const measured = JSON.parse(readFileSync(json, 'utf8'));
    writeFileSync(json, JSON.stringify({ date: new Date().toISOString(), machine, ...measured }, null, 2) + '\n');
    console.log(`\n${json}`);
  }
} else if (what === 'paper' || what === 'fine-tuning') {
  run(process.execPath, [join(root, 'scripts', 'build.mjs')]);
  run(process.execPath, [join(root, 'dist-dev', 'bench', what, 'main.js'), ...rest]);
} else {
  run(process.execPath, [join(root, 'scripts', 'build.mjs')]);
  buildExecutable(); // it measures the memory
  run(process.execPath, ['--expose-gc', join(root, 'dist-dev', 'bench', 'main.js'), ...(what ? [what] : []), ...rest]);
}
