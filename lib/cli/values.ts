// Values of options: numbers, and lists; what commands that read data sets say of one.
import { type Command, InvalidArgumentError } from 'commander';

/** What --val does, as readDataset. */
export const VAL = 'draws a share for validation where the source has none (default: 0.2, or none beside a test split)';

export function toNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Expected a number.');
  return value;
}

export function toNumbers(text: string): number[] {
  return text.split(',').map(toNumber);
}

export function toNames(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}

/** N or WIDTHxHEIGHT, in pixels; the height is undefined where there is one number. */
export function toSides(text: string): [width: number, height: number | undefined] {
  const [, width, height] = /^(\d+)(?:[x,](\d+))?$/.exec(text) ?? [];
  if (width === undefined) throw new InvalidArgumentError('Expected N or WIDTHxHEIGHT in pixels.');
  return [Number(width), height === undefined ? undefined : Number(height)];
}

/** The first flag that was given besides these, which are named as their values are. */
export function givenBesides(command: Command, names: readonly string[]): string | undefined {
  const isOther = (name: string) => !names.includes(name) && command.getOptionValueSource(name) === 'cli';
  const other = command.options.find((option) => isOther(option.attributeName()));
  return other && (other.long ?? other.attributeName());
}
