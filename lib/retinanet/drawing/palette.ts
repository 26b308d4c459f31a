/** Colours told apart on photographs and on white, for colour-blind readers too as far as ten colours allow. */
const COLOURS = [
  '#ffb000',
  '#3ddc5b',
  '#35b8ff',
  '#ff5a8a',
  '#c38bff',
  '#ff8a3d',
  '#3fe0d0',
  '#ffe45c',
  '#7f9cff',
  '#ff6fe0',
];

/** Of what is written on these colours, and on white. */
export const INK = '#14181f';

/** The colour of class k; they repeat where there are more than ten classes. */
export function classColour(k: number): string {
  return COLOURS[k % COLOURS.length] ?? '#ffffff';
}
