// `retinanet-ops build`: compiles the addon where the package lies.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../runtime/location.js';

/** Runs the build script of the package. Gives its exit code. */
export function build(): number {
  if (process.permission && !process.permission.has('child')) {
    process.stderr.write(
      'retinanet-ops: Node.js was started without permission for child processes. Add: --allow-child-process\n',
    );
    return 1;
  }
  const { status, error } = spawnSync(process.execPath, [join(root, 'scripts', 'build-from-source.mjs')], {
    stdio: 'inherit',
  });
  if (error) throw error;
  return status ?? 1;
}
