/** Columns as wide as their longest cell; numbers, and '-' where there is none, to the right. */
export function table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = rows.map((row) => row.map(String));
  const widths = header.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const isNumber = header.map((_, i) => cells.length > 0 && cells.every((row) => /^(-|-?[\d.]+)$/.test(row[i] ?? '')));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (isNumber[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  return [header, ...cells].map((row) => `  ${line(row)}`).join('\n');
}

/** An average precision or recall; '-' where there is nothing to measure. */
export function figure(value: number): string {
  return value < 0 ? '-' : value.toFixed(3);
}
