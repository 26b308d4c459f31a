// What all commands share: exit codes, one sentence for what fails, and JSON for machines.
import type { Command, CommanderError } from 'commander';
import { suggestion } from '../arguments/describe.js';

/** Exit codes: done; refused or failed; interrupted. */
export const [DONE, FAILED, INTERRUPTED] = [0, 1, 130];

/**
 * Runs the command that the arguments name. Gives the exit code: 0 done, 1 refused or failed. What fails is one sentence on standard
 * error; with the command's `--json` also `{ error: { code, message } }` on standard output. A command that is done but not well sets
 * `process.exitCode` itself.
 */
export async function run(program: Command, args: readonly string[]): Promise<number> {
  // A command that has something to finish listens as well, and ends by itself.
  process.on('SIGINT', () => {
    if (process.listenerCount('SIGINT') === 1) process.exit(INTERRUPTED);
  });
  // Who reads no further, such as `head`, has had what they wanted.
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') process.exit(DONE);
    process.stderr.write(`retinanet-ops: expected standard output that can be written to, received ${message}\n`);
    process.exit(FAILED);
  });
  // Progress that nobody sees is no reason to end what progresses.
  process.stderr.on('error', () => undefined);
  for (const command of [program, ...program.commands]) prepare(command);
  let current: Command | undefined;
  program.hook('preAction', (_, command) => {
    current = command;
  });
  try {
    if (args.length === 0) {
      process.stdout.write(program.helpInformation());
      return DONE;
    }
    await program.parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? DONE);
  } catch (error) {
    const { code, exitCode, message } = error as CommanderError;
    if (exitCode === DONE) return DONE; // help
    const isUsage = typeof code === 'string' && code.startsWith('commander.');
    const sentence = isUsage ? usage(program, message, args) : sentenceOf(error as Error);
    const isForMachines = current?.opts().json === true || (isUsage && args.includes('--json'));
    if (isForMachines) {
      const reported = isUsage ? 'ERR_OPTION' : (code ?? 'ERR_UNEXPECTED');
      process.stdout.write(`${JSON.stringify({ error: { code: reported, message: sentence } })}\n`);
    }
    process.stderr.write(`retinanet-ops: ${sentence}\n`);
    return FAILED;
  }
}

function prepare(command: Command): void {
  command
    .exitOverride()
    .showSuggestionAfterError(false)
    .allowExcessArguments(false)
    .configureOutput({ outputError: () => undefined });
}

/** What commander says, with the nearest name that there is. */
function usage(program: Command, message: string, args: readonly string[]): string {
  const sentence = message.replace(/^error: /, '').replace(/\.$/, '');
  const [, unknown] = /unknown (?:command|option) '([^']*)'/.exec(sentence) ?? [];
  const command = program.commands.find((one) => one.name() === args[0]);
  const names = unknown?.startsWith('-')
    ? (command ?? program).options.flatMap(({ long }) => long ?? [])
    : program.commands.map((one) => one.name());
  const hint = suggestion(unknown, names);
  const help = `retinanet-ops${command ? ` ${command.name()}` : ''} --help`;
  return `${sentence}${hint}; ${help} says what there is`;
}

/** One line, whatever failed. The stack is for those who ask: RETINANET_OPS_TRACE=1. */
function sentenceOf(error: Error): string {
  if (process.env.RETINANET_OPS_TRACE) return error.stack ?? error.message;
  return error.message.trim().replaceAll(/\s*\n\s*/g, ' ');
}
