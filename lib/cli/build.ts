// `retinanet-ops build`: compiles the addon where the package lies.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Command } from 'commander';
import { root } from '../runtime/location.js';

export function buildCommand(): Command {
  return new Command('build')
    .summary('compiles the native addon')
    .description(
      'Compiles the native addon from the sources in this package. Needs a C++17 compiler, CMake, and make or ninja.',
    )
    .action(() => {
      process.exitCode = build();
    });
}

/** Runs the build script of the package. Gives its exit code. */
function build(): number {
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
