#!/usr/bin/env node
// The command line: `npx retinanet-ops COMMAND`.
import { Command, CommanderError } from 'commander';
import { build } from './build.js';
import { evaluateCommand } from './evaluate.js';
import { exportCommand } from './export.js';
import { info } from './info.js';

const program = new Command('retinanet-ops').exitOverride().showHelpAfterError('(--help says more)');
program
  .command('info')
  .description('where this runs, which native addon loads and which not and why, what it can use')
  .action(() => {
    process.exitCode = info();
  });
program
  .command('build')
  .description('compiles the native addon from the sources in this package (C++17 compiler, CMake, make or ninja)')
  .action(() => {
    process.exitCode = build();
  });
for (const command of [evaluateCommand(), exportCommand()]) program.addCommand(command.copyInheritedSettings(program));

try {
  await program.parseAsync();
} catch (error) {
  if ((error as Error).name !== CommanderError.name) {
    process.stderr.write(`retinanet-ops: ${(error as Error).message}\n`);
    process.exitCode = 1;
  } else {
    process.exitCode = (error as CommanderError).exitCode;
  }
}
