// torchvision in a process of its own (torchvision.py), where some Python has it. One line of JSON asks, one answers.
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Peer, PeerTiming, Settings } from '../case.js';

type Arrays = Record<string, Float32Array | Int32Array>;
export type Answer = Record<string, unknown>;

/** Debian's torchvision belongs to Debian's interpreter, which need not be the first python3 on PATH. */
function findPython(): string | null {
  const candidates = [process.env['RETINANET_OPS_PYTHON'], '/usr/bin/python3', 'python3'];
  const probe = 'import importlib.util as u, sys; sys.exit(not (u.find_spec("torch") and u.find_spec("torchvision")))';
  return candidates.find((name) => name !== undefined && spawnSync(name, ['-c', probe]).status === 0) ?? null;
}

export class Torchvision {
  readonly python: string | null = findPython();
  /** Of torch and torchvision, once it has been asked something. */
  versions: string | null = null;
  private child: ChildProcessWithoutNullStreams | undefined;
  private lines: Interface | undefined;
  private errors = '';

  constructor(private readonly settings: Settings) {}

  /** The peers of a case: this one, where it is to be had. `arrays` are written only when its turn comes. */
  peer(
    operation: string,
    arrays: () => Arrays,
    parameters: object,
    count: number,
    check: (answer: Answer) => void = () => undefined,
    name = 'torchvision',
  ): Peer[] {
    if (this.python === null) return [];
    const known = new Map<number, PeerTiming>();
    const measure = async (threads: number): Promise<PeerTiming> => {
      const found = known.get(threads);
      if (found) return found;
      const answer = await this.ask(operation, arrays(), { ...parameters, threads });
      check(answer);
      const { best, median, runs } = answer as unknown as PeerTiming;
      const timing = { best, median, runs, count, threads };
      known.set(threads, timing);
      return timing;
    };
    return [{ name, measure }];
  }

  /** The answer of an operation of torchvision.py. */
  async ask(operation: string, arrays: Arrays, parameters: object): Promise<Answer> {
    const folder = mkdtempSync(join(tmpdir(), 'retinanet-ops-bench-'));
    try {
      const files = Object.entries(arrays).map(([name, values]) => {
        const file = join(folder, name);
        writeFileSync(file, values);
        return [name, { file, dtype: values instanceof Float32Array ? 'f4' : 'i4' }];
      });
      const { budget } = this.settings;
      const question = { operation, arrays: Object.fromEntries(files) as object, seconds: budget, ...parameters };
      const line = await this.exchange(JSON.stringify(question));
      const answer = JSON.parse(line) as Answer;
      if (typeof answer['error'] === 'string') throw new Error(`torchvision: ${answer['error']}`);
      this.versions = answer['versions'] as string;
      return answer;
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  private exchange(line: string): Promise<string> {
    if (!this.child || !this.lines) {
      this.child = spawn(this.python!, [join('bench', 'peers', 'torchvision.py')]);
      this.child.stderr.on('data', (text: Buffer) => (this.errors += text.toString()));
      this.lines = createInterface(this.child.stdout);
    }
    const { child, lines } = this;
    return new Promise((resolve, reject) => {
      const ended = () => {
        reject(new Error(`torchvision ended early: ${this.errors}`));
      };
      child.once('exit', ended);
      lines.once('line', (answer) => {
        child.off('exit', ended);
        resolve(answer);
      });
      child.stdin.write(line + '\n');
    });
  }

  stop(): void {
    this.child?.stdin.end();
  }
}
