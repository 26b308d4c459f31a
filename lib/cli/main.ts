#!/usr/bin/env node
// The command line: `npx retinanet-ops COMMAND`. A command is a file beside this one.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { root } from '../runtime/location.js';
import { run } from './run.js';

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

/** Each loads with what it needs alone: `info` answers also where a dependency is missing. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  inspect: async () => (await import('./inspect.js')).inspectCommand(),
  train: async () => (await import('./train.js')).trainCommand(),
  evaluate: async () => (await import('./evaluate.js')).evaluateCommand(),
  detect: async () => (await import('./detect.js')).detectCommand(),
  export: async () => (await import('./export.js')).exportCommand(),
  info: async () => (await import('./info.js')).infoCommand(),
  build: async () => (await import('./build.js')).buildCommand(),
};

const program = new Command('retinanet-ops')
  .description('RetinaNet in Node.js: data sets, training, detection, and the native addon under them.')
  .version(version);
const args = process.argv.slice(2);
const [name = ''] = args;
const chosen = Object.hasOwn(COMMANDS, name) ? [COMMANDS[name]!] : Object.values(COMMANDS);
for (const load of chosen) program.addCommand(await load());

process.exitCode = await run(program, args);
