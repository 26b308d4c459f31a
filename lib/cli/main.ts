#!/usr/bin/env node
// The command line: `npx retinanet-ops COMMAND`. A command is a file beside this one.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { root } from '../runtime/location.js';
import { buildCommand } from './build.js';
import { detectCommand } from './detect.js';
import { evaluateCommand } from './evaluate.js';
import { exportCommand } from './export.js';
import { infoCommand } from './info.js';
import { inspectCommand } from './inspect.js';
import { run } from './run.js';
import { trainCommand } from './train.js';

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

const program = new Command('retinanet-ops')
  .description('RetinaNet in Node.js: data sets, training, detection, and the native addon under them.')
  .version(version)
  .addCommand(inspectCommand())
  .addCommand(trainCommand())
  .addCommand(evaluateCommand())
  .addCommand(detectCommand())
  .addCommand(exportCommand())
  .addCommand(infoCommand())
  .addCommand(buildCommand());

process.exitCode = await run(program, process.argv.slice(2));
