// `npm run demo` from a bare clone: installs what is missing, builds, then runs the compiled demo with the same arguments.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function step(command, args) {
  const { status, signal, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32' && command === 'npm',
  });
  if (error) console.error(error.message);
  if (status !== 0) process.exit(status ?? (signal === 'SIGINT' ? 130 : 1));
}

// Ctrl-C reaches the whole foreground group; the demo itself decides how to stop, this launcher only waits for it.
process.on('SIGINT', () => {});

if (!existsSync(join(root, 'node_modules', '.package-lock.json'))) step('npm', ['ci', '--no-audit', '--no-fund']);
step(process.execPath, [join(root, 'scripts', 'build.mjs')]);
step(process.execPath, [join(root, 'dist-dev', 'demo', 'main.js'), ...process.argv.slice(2)]);
