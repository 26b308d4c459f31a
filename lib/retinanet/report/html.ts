// HTML whose values are escaped unless they are HTML themselves, and numbers as a page shows them.

/** Markup, as opposed to text. */
export interface Html {
  readonly markup: string;
}

type Content = Html | string | number | undefined | false | readonly Content[];

/** A template of HTML. What is put in is text, and escaped, unless this function made it; lists are joined, undefined and false are nothing. */
export function html(strings: TemplateStringsArray, ...contents: Content[]): Html {
  return { markup: strings.reduce((sum, part, i) => sum + markupOf(contents[i - 1]) + part) };
}

/** What is no text of users: a style, a script. */
export const raw = (markup: string): Html => ({ markup });

function markupOf(content: Content): string {
  if (content === undefined || content === false) return '';
  if (Array.isArray(content)) return (content as readonly Content[]).map(markupOf).join('');
  if (typeof content === 'object') return (content as Html).markup;
  return escapeHtml(String(content));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as the content of elements and of quoted attributes. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);

/** JSON as the content of a script element, which no text in it can close. */
export const jsonForScript = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');

/** What stands for a number that is not there. */
export const NOTHING = '–';

/** Three digits of a number in [0, 1]; a dash for one below 0, as the COCO tool gives where nothing counts, and for none. */
export function share(value: number | null | undefined): string {
  return typeof value === 'number' && value >= 0 ? value.toFixed(3) : NOTHING;
}

/** A number of things, in groups of three digits. */
export const count = (value: number): string => value.toLocaleString('en-US');

/** A few significant digits of any number. */
export function figure(value: number | null | undefined): string {
  if (typeof value !== 'number' || !Number.isFinite(value)) return NOTHING;
  return Number(value.toPrecision(4)).toString();
}

/** `1 picture`, `2 pictures`. */
export const plural = (number: number, one: string, many = `${one}s`): string =>
  `${count(number)} ${number === 1 ? one : many}`;
