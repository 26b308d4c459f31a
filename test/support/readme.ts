import { readdirSync, readFileSync } from 'node:fs';

/** What the README's network example takes for granted: a data set. Two plain images with one box each. */
const DATA = `const dataset = {
  classNames: ['square'], imageHeight: 64, imageWidth: 64, length: 2, images: new Uint8Array(2 * 64 * 64 * 3).map((_, i) => i % 251),
  boxes: Float32Array.of(8, 8, 40, 40, /**/ 20, 20, 60, 60), labels: Int32Array.of(0, 0), offsets: Int32Array.of(0, 1, 2),
};
const testSet = dataset;
`;

/** What the guide to training takes for granted: a folder with a data set, and one with photographs. */
const FOLDERS = `import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
process.chdir(mkdtempSync(join(tmpdir(), 'retinanet-ops-')));
for (const folder of ['cells', 'photos']) mkdirSync(folder);
const picture = (path) => sharp({ create: { width: 64, height: 64, channels: 3, background: '#a33' } }).png().toFile(path);
for (let i = 0; i < 8; i++) await picture(\`cells/\${i}.png\`);
await picture('photos/a.png');
const rows = Array.from({ length: 8 }, (_, i) => \`\${i}.png,\${4 + i},8,40,48,cell\`);
writeFileSync('cells/annotations.csv', rows.join('\\n'));
`;

/** The code blocks of a page in one language. */
function blocks(file: string, language: string): string[] {
  const fenced = readFileSync(file, 'utf8').matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'));
  return [...fenced].map((match) => match[1]!);
}

/** What the README tells a user to install: the arguments of each `npm install`. */
export function readmeInstalls(): string[][] {
  const command = 'npm install ';
  const lines = blocks('README.md', 'sh').flatMap((block) => block.split('\n'));
  return lines.filter((line) => line.startsWith(command)).map((line) => line.slice(command.length).split(' '));
}

/** The README's examples, ready to run. The one that trains gets a data set and fewer steps. */
export function readmeExamples(): string[] {
  return blocks('README.md', 'ts').map((code) =>
    code.includes('trainRetinaNet') ? DATA + code.replace(/steps: \d+/, 'steps: 2') : code,
  );
}

/** The examples of the guides by page and number: those that run anywhere, and those that need a device. */
export function guideExamples(): { title: string; code: string; needsDevice: boolean }[] {
  const pages = readdirSync('docs').filter((file) => file.endsWith('.md'));
  const all = pages.flatMap((page) =>
    ['ts', 'js'].flatMap((language) =>
      blocks(`docs/${page}`, language).map((code, i) => {
        const title = `docs/${page}, ${language} ${i + 1}`;
        const ready = code.includes('trainDetector') ? FOLDERS + code.replace(/steps: \d+/, 'steps: 2') : code;
        return { title, code: ready, needsDevice: language === 'js' };
      }),
    ),
  );
  return all.filter(({ code }) => code.includes("from 'retinanet-ops"));
}
