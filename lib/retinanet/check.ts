import { RetinanetOpsError } from '../errors.js';

function show(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}

/** An integer in [low, high]. */
export function checkInteger(name: string, value: unknown, low: number, high: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high) {
    const range = low === high ? String(low) : `an integer from ${String(low)} to ${String(high)}`;
    throw new RetinanetOpsError('ERR_RANGE', `${name} must be ${range}, got ${show(value)}`);
  }
  return value;
}

/** A finite number in [low, high]. */
export function checkNumber(name: string, value: unknown, low: number, high: number): number {
  if (typeof value !== 'number' || !(value >= low && value <= high)) {
    throw new RetinanetOpsError(
      'ERR_RANGE',
      `${name} must be a number from ${String(low)} to ${String(high)}, got ${show(value)}`,
    );
  }
  return value;
}

/** A list of at least one positive number. */
export function checkNumbers(name: string, values: readonly number[]): number[] {
  if (!Array.isArray(values) || values.length === 0) {
    throw new RetinanetOpsError('ERR_SHAPE', `${name} must be an array of at least one number, got ${show(values)}`);
  }
  return (values as readonly number[]).map((value, i) => checkNumber(`${name}[${String(i)}]`, value, 1e-6, 1e6));
}

/** One of a few names. */
export function checkChoice<T extends string>(name: string, value: unknown, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) {
    const list = choices.map((choice) => `'${choice}'`).join(', ');
    throw new RetinanetOpsError('ERR_OPTION', `${name} must be one of ${list}, got ${show(value)}`);
  }
  return found;
}

/** Refuses option names that do not exist. */
export function checkOptionNames(where: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new RetinanetOpsError('ERR_OPTION', `${where}: there is no option '${name}'`);
  }
}
