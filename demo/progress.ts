import { SingleBar } from 'cli-progress';

/** Milliseconds as 1:05. */
export function minutes(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${String(Math.floor(seconds / 60))}:${String(seconds % 60).padStart(2, '0')}`;
}

/**
 * A bar that fills up, with a note behind it. Where the output is not a terminal (a file, a pipe, CI), it writes a line
 * now and then instead.
 */
export class Progress {
  private readonly bar: SingleBar | undefined;
  private readonly every: number;
  private written = 0;

  constructor(
    private readonly title: string,
    private readonly total: number,
    private readonly stream: NodeJS.WriteStream = process.stdout,
    lines = 20,
  ) {
    this.every = Math.max(1, Math.ceil(total / lines));
    if (!stream.isTTY) return;
    this.bar = new SingleBar({
      stream,
      format: `${title.padEnd(9)} {bar} {value}/{total}  {note}`,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      barsize: 20,
      hideCursor: true,
      fps: 8,
      linewrap: false,
      // Ctrl-C is handled by the demo itself.
      gracefulExit: false,
    });
    this.bar.start(total, 0, { note: '' });
  }

  update(done: number, note = ''): void {
    if (this.bar) {
      this.bar.update(done, { note });
    } else if (done >= this.written + this.every || (done === this.total && done > this.written)) {
      this.written = done;
      this.stream.write(`${this.title} ${String(done)}/${String(this.total)}${note === '' ? '' : `  ${note}`}\n`);
    }
  }

  /** Changes what stands behind the bar, at once. */
  note(note: string): void {
    if (this.bar) this.bar.update({ note });
    else this.stream.write(`${this.title}: ${note}\n`);
  }

  /** Leaves the bar where it is and goes to a new line. */
  stop(): void {
    this.bar?.stop();
  }
}
