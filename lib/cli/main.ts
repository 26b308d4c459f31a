#!/usr/bin/env node
// The command line: `npx retinanet-ops info | build`.
import { suggestion } from '../arguments/describe.js';
import { build } from './build.js';
import { info } from './info.js';

const USAGE = `Usage: retinanet-ops <command>

  info    where this runs, which native addon loads and which not and why, what it can use
  build   compiles the native addon from the sources in this package (C++17 compiler, CMake, make or ninja)
`;

const commands: Record<string, () => number> = {
  info,
  build,
  '--help': () => {
    process.stdout.write(USAGE);
    return 0;
  },
};

const [name = '--help', ...rest] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (!command || rest.length > 0) {
  const received = process.argv.slice(2).join(' ');
  const hint = suggestion(received, Object.keys(commands));
  process.stderr.write(`retinanet-ops: expected one command, received '${received}'${hint}\n\n${USAGE}`);
  process.exitCode = 2;
} else {
  process.exitCode = command();
}
