// Loads and runs the prebuilt binary in a root file system of Debian 11 (glibc 2.31), the oldest that Debian's servers still
// carry: three packages unpacked into a folder, and Node.js in a chroot there.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const release = 'bullseye';
const folder = join(root, 'build', release);
const system = join(folder, 'root');

function skip(why) {
  console.log(`Debian 11: NOT TESTED, ${why}`);
  process.exit(0);
}

function run(command, args, options = {}) {
  return spawnSync(command, args, { encoding: 'utf8', timeout: 300_000, ...options });
}

if (process.platform !== 'linux' || process.arch !== 'x64') skip('it needs Linux on x64.');
if (process.getuid() !== 0) skip('chroot needs root.');
if (run('apt-get', ['--version']).status !== 0) skip('it needs apt-get.');
const prebuilds = join(root, 'prebuilds', 'linux-x64');
if (!existsSync(prebuilds)) skip('there is no prebuild; run `npm run prebuild` first.');

if (!existsSync(join(system, 'lib'))) {
  for (const path of ['lists/partial', 'cache/archives/partial', 'debs'])
    mkdirSync(join(folder, path), { recursive: true });
  // The mirror that this machine uses for its own packages.
  const mirrors = run('apt-get', ['indextargets', '--format', '$(REPO_URI)']).stdout.split('\n');
  const mirror = mirrors.find((uri) => /\/debian\/?$/.test(uri));
  if (!mirror) skip('this is no Debian.');
  writeFileSync(join(folder, 'sources.list'), `deb ${mirror} ${release} main\n`);
  const options = [
    ['Dir::Etc::sourcelist', join(folder, 'sources.list')],
    ['Dir::Etc::sourceparts', '-'],
    ['Dir::State::lists', join(folder, 'lists')],
    ['Dir::Cache', join(folder, 'cache')],
    ['APT::Sandbox::User', 'root'],
    ['Acquire::Languages', 'none'],
  ].flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const packages = ['libc6', 'libstdc++6', 'libgcc-s1'].map((name) => `${name}/${release}`);
  const update = run('apt-get', [...options, 'update']);
  const download = run('apt-get', [...options, 'download', ...packages], { cwd: join(folder, 'debs') });
  if (download.status !== 0) skip(`its packages cannot be had.\n${update.stderr ?? ''}${download.stderr ?? ''}`);
  for (const name of readdirSync(join(folder, 'debs'))) run('dpkg-deb', ['-x', join(folder, 'debs', name), system]);
}

const app = join(system, 'app', 'node_modules', 'retinanet-ops');
rmSync(app, { recursive: true, force: true });
mkdirSync(app, { recursive: true });
for (const name of ['dist', 'package.json', 'node_modules/commander']) {
  cpSync(join(root, name), join(app, name), { recursive: true });
}
cpSync(prebuilds, join(app, 'prebuilds', 'linux-x64'), { recursive: true });
cpSync(process.execPath, join(system, 'node'));
// A sum on several threads, and a C++ exception: the unwinder finds its tables in another way than the linker's glibc.
writeFileSync(
  join(system, 'app', 'use.mjs'),
  `import * as ops from 'retinanet-ops';
  import { native } from './node_modules/retinanet-ops/dist/runtime/native.js';
  ops.setNumThreads(4);
  const grid = new ops.AnchorGrid({ imageHeight: 640, imageWidth: 640 });
  const { labels, numPositives } = ops.assignAnchors(grid, Float32Array.of(10, 10, 200, 200), Int32Array.of(1));
  const loss = ops.sigmoidFocalLoss(new Float32Array(grid.count * 4), labels, { numClasses: 4, gamma: 0.7 });
  let thrown;
  try { native().boxIou(0, 'no array'); } catch (error) { thrown = error.message; }
  if (!(loss > 0) || numPositives !== 43 || !/Float32Array/.test(thrown)) throw new Error([loss, numPositives, thrown].join());
  console.log('Debian 11: passed');`,
);
const env = { PATH: process.env.PATH };
const info = run('chroot', [system, '/node', '/app/node_modules/retinanet-ops/dist/cli/main.js', 'info'], { env });
process.stdout.write(`${info.stdout}${info.stderr}`);
const use = run('chroot', [system, '/node', '/app/use.mjs'], { env });
process.stdout.write(`${use.stdout}${use.stderr}`);
process.exit(info.status === 0 && use.status === 0 && info.stdout.includes('glibc 2.31') ? 0 : 1);
