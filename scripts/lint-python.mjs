// ruff over the Python sources: its linter, and its formatter. With `fix`, writes what both would.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import ruff from '@astral-sh/ruff-wasm-nodejs';

const { PositionEncoding, Workspace } = ruff;

/** Sorts the imports: corrections of that rule alone are safe, and ruff does not say here which others are. */
function corrected(text, diagnostics) {
  const lines = text.split('\n');
  const offset = ({ row, column }) => lines.slice(0, row - 1).reduce((sum, line) => sum + line.length + 1, column - 1);
  const edits = diagnostics.flatMap(({ code, fix }) => (code === 'I001' ? fix.edits : []));
  edits.sort((a, b) => offset(b.location) - offset(a.location));
  for (const { content, location, end_location: end } of edits)
    text = text.slice(0, offset(location)) + (content ?? '') + text.slice(offset(end));
  return text;
}

/** What is wrong, a line each. */
export function lintPython(files, fix) {
  const settings = {
    'line-length': 120,
    'target-version': 'py39',
    lint: {
      select: ['E', 'F', 'W', 'I', 'B', 'UP', 'PLR0913'],
      // Lines are the formatter's business; a short lambda may have a name; '%' is plain enough; a function sees a loop's variable.
      ignore: ['E501', 'E731', 'UP031', 'B007'],
      isort: { 'known-first-party': files.map((file) => basename(file, '.py')) },
      pylint: { 'max-args': 7 },
    },
  };
  const workspace = new Workspace(settings, PositionEncoding.Utf16);
  return files.flatMap((file) => {
    const before = readFileSync(file, 'utf8');
    const text = fix ? corrected(before, workspace.check(before)) : before;
    const formatted = workspace.format(text);
    if (fix && formatted !== before) writeFileSync(file, formatted);
    const problems = workspace.check(fix ? formatted : text);
    const lines = problems.map(
      ({ code, message, start_location: at }) => `${file}:${at.row}:${at.column} ${code} ${message}`,
    );
    return !fix && formatted !== text ? [`${file} is not formatted: npm run format`, ...lines] : lines;
  });
}
