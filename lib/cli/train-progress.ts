// How far a training is, on standard error, and what ends it early.
import type { SessionEvents } from '../retinanet/session/events.js';
import { SAME_MS, SIGNALS } from './interrupt.js';
import { Progress } from './progress.js';
import { INTERRUPTED } from './run.js';
import { planText, stepText, validationText } from './train-text.js';

type Events = SessionEvents & { onImage: (done: number, total: number) => void };

/** One bar at a time. */
class Bars {
  private bar: Progress | undefined;
  private title = '';

  update(title: string, done: number, total: number, note = ''): void {
    if (title !== this.title) {
      this.stop();
      this.bar = new Progress(title, total);
      this.title = title;
    }
    this.bar!.update(done, note);
  }

  say(text: string): void {
    if (this.bar) this.bar.message(text);
    else process.stderr.write(`${text}\n`);
  }

  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
    this.title = '';
  }
}

/** The first SIGINT (or SIGTERM) has the session finish its step, the second ends the process; before the run has begun the first does. */
export function follow(): { events: Events; end: () => void } {
  const controller = new AbortController();
  const bars = new Bars();
  // Where there is no terminal, only steps are worth a line.
  const { isTTY } = process.stderr;
  let hasBegun = false;
  let seconds: number | undefined;
  let AP: number | undefined;
  let interruptedAt = 0;
  const onInterrupt = () => {
    if (!hasBegun) process.exit(INTERRUPTED);
    if (controller.signal.aborted) {
      if (performance.now() - interruptedAt < SAME_MS) return;
      process.exit(INTERRUPTED);
    }
    interruptedAt = performance.now();
    controller.abort();
    bars.say('finishing the step; Ctrl-C again ends at once');
  };
  for (const signal of SIGNALS) process.on(signal, onInterrupt);
  const events: Events = {
    signal: controller.signal,
    onImage: (done, total) => {
      if (isTTY) bars.update('reading', done, total);
    },
    onPlan: (plan) => {
      bars.stop();
      process.stderr.write(`${planText(plan)}\n`);
      seconds = plan.settings.find(({ name }) => name === 'seconds')?.value as number | undefined;
      hasBegun = true;
    },
    onStep: (step) => {
      const note = stepText(step, AP);
      if (seconds === undefined) bars.update('training', step.step, step.steps, note);
      else
        bars.update(
          'seconds',
          Math.min(seconds, Math.round(step.seconds)),
          seconds,
          `step ${String(step.step)}  ${note}`,
        );
    },
    onMeasure: (done, total) => {
      if (isTTY) bars.update('measuring', done, total);
    },
    onValidation: (validation) => {
      AP = validation.coco.AP;
      bars.say(validationText(validation));
    },
  };
  const end = () => {
    bars.stop();
    if (controller.signal.aborted) return; // a launcher's copy of the signal may come yet
    for (const signal of SIGNALS) process.off(signal, onInterrupt);
  };
  return { events, end };
}
