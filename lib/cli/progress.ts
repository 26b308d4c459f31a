// How far a command is, on standard error: standard output holds results alone.
import { SingleBar } from 'cli-progress';

/** Milliseconds as 1:05, or 2:01:05. */
export function minutes(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const [hours, rest] = [Math.floor(seconds / 3600), seconds % 3600];
  const two = (value: number) => String(value).padStart(2, '0');
  const [minute, second] = [Math.floor(rest / 60), two(rest % 60)];
  return hours > 0 ? `${hours}:${two(minute)}:${second}` : `${minute}:${second}`;
}

/**
 * A bar that fills up, with a note behind it. Where the output is not a terminal (a file, a pipe, CI), it writes a line now and then
 * instead.
 */
export class Progress {
  private readonly title: string;
  private readonly total: number;
  private readonly stream: NodeJS.WriteStream;
  private readonly bar: SingleBar | undefined;
  private readonly every: number;
  private written = 0;

  /**
   * @param title what is counted, such as `images`
   * @param total what `done` ends at, at least 1
   * @param lines at most, besides messages, where there is no terminal
   */
  constructor(title: string, total: number, stream: NodeJS.WriteStream = process.stderr, lines = 20) {
    this.title = title;
    this.total = total;
    this.stream = stream;
    this.every = Math.max(1, Math.ceil(total / lines));
    if (!stream.isTTY) return;
    this.bar = new SingleBar({
      stream,
      format: `${title} {bar} {value}/{total}  {note}`,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      barsize: 20,
      hideCursor: true,
      fps: 8,
      linewrap: false,
      forceRedraw: true, // after a message, which takes its line
      gracefulExit: false, // a command ends by itself where it is interrupted
    });
    this.bar.start(total, 0, { note: '' });
    // A process that ends on the way gives the terminal its cursor back.
    process.once('exit', this.stop);
  }

  /** @param note stands behind the bar, such as what is left of the time */
  update(done: number, note = ''): void {
    if (this.bar) {
      this.bar.update(done, { note });
    } else if (done >= this.written + this.every || (done === this.total && done > this.written)) {
      this.written = done;
      this.stream.write(`${this.title} ${done}/${this.total}${note === '' ? '' : `  ${note}`}\n`);
    }
  }

  /** A line of its own, above the bar, which stays. */
  message(text: string): void {
    // It may wrap, which the bar must not; then the place is noted to which the bar returns at its end.
    this.stream.write(this.bar ? `\r\u001b[K\u001b[?7h${text}\n\u001b[?7l\u001b7` : `${text}\n`);
  }

  /** Leaves the bar as it is, on a line of its own. Calling it again does nothing. */
  readonly stop = (): void => {
    process.removeListener('exit', this.stop);
    this.bar?.stop();
  };
}

/** Counts pictures, with how many there are a second and how long the rest takes. Of a single one it says nothing. */
export class PictureCounter {
  /** Pictures so far. */
  done = 0;
  private progress: Progress | undefined;
  private readonly start = performance.now();

  /** So many are done, of all. */
  update(done: number, total: number): void {
    this.done = done;
    if (total > 1) this.progress ??= new Progress('pictures', total);
    const ms = performance.now() - this.start;
    const left = done < total ? `, ${minutes((ms * (total - done)) / done)} left` : '';
    this.progress?.update(done, `${((1000 * done) / ms).toFixed(1)}/s${left}`);
  }

  /** As Progress. */
  message(text: string): void {
    if (this.progress) this.progress.message(text);
    else process.stderr.write(`${text}\n`);
  }

  /** As Progress. */
  stop(): void {
    this.progress?.stop();
  }
}
