// The rows of a CSV file, whatever its separator.
import { parse } from 'csv-parse/sync';
import { refuse } from '../warnings.js';

export interface CsvRow {
  cells: string[];
  line: number;
}

/** @throws RetinanetOpsError `ERR_DATA` where it cannot be read */
export function readRows(file: string, text: string): CsvRow[] {
  const first = text.slice(0, text.search(/[\r\n]|$/));
  const count = (separator: string) => first.split(separator).length;
  const delimiter = [',', ';', '\t'].reduce((best, other) => (count(other) > count(best) ? other : best));
  try {
    const records = parse(text, {
      delimiter,
      trim: true,
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      info: true,
    }) as unknown as { record: string[]; info: { lines: number } }[];
    return records
      .map(({ record, info }) => ({ cells: record, line: info.lines }))
      .filter(({ cells }) => cells.some((cell) => cell !== '') && !cells[0]!.startsWith('#'));
  } catch (cause) {
    refuse({ file, line: (cause as { lines?: number }).lines }, 'CSV', (cause as Error).message, cause);
  }
}
