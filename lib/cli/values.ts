// Values of options: numbers, and lists.
import { InvalidArgumentError } from 'commander';

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
