// JSON as Python's writers leave it.
import type { Damage } from './pairs.js';

/** What a text says. NaN and Infinity, which Python writes and JSON does not know, become null. */
export function parseJson(text: string): { json: unknown } | Damage {
  try {
    return { json: JSON.parse(text) };
  } catch (cause) {
    const plain = text.replace(/([:[,]\s*)-?(?:NaN|Infinity)\b/g, '$1null');
    if (plain !== text) return parseJson(plain);
    const message = (cause as Error).message.replaceAll(/\s+/g, ' ');
    const position = /at position (\d+)/.exec(message)?.[1];
    const isCut = message.includes('end of JSON');
    const before = isCut ? text.trimEnd() : text.slice(0, Number(position ?? 0));
    return { damage: text.trim() === '' ? 'an empty file' : message, line: before.split('\n').length };
  }
}
