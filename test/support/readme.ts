import { readFileSync } from 'node:fs';

/** What the README's network example takes for granted: a data set. Two plain images with one box each. */
const DATA = `const dataset = {
  classNames: ['square'], imageHeight: 64, imageWidth: 64, length: 2, images: new Uint8Array(2 * 64 * 64 * 3).map((_, i) => i % 251),
  boxes: Float32Array.of(8, 8, 40, 40, /**/ 20, 20, 60, 60), labels: Int32Array.of(0, 0), offsets: Int32Array.of(0, 1, 2),
};
const testSet = dataset;
`;

/** What the README tells a user to install: the arguments of each `npm install`. */
export function readmeInstalls(): string[][] {
  const shell = [...readFileSync('README.md', 'utf8').matchAll(/```sh\n(.*?)```/gs)].flatMap((match) =>
    match[1]!.split('\n'),
  );
  const command = 'npm install ';
  return shell.filter((line) => line.startsWith(command)).map((line) => line.slice(command.length).split(' '));
}

/** The README's examples, ready to run. The one that trains gets a data set and fewer steps. */
export function readmeExamples(): string[] {
  const blocks = [...readFileSync('README.md', 'utf8').matchAll(/```ts\n(.*?)```/gs)].map((match) => match[1]!);
  return blocks.map((code) => (code.includes('trainRetinaNet') ? DATA + code.replace(/steps: \d+/, 'steps: 2') : code));
}
