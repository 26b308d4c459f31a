// inspect, train and detect on Windows, as its users have data: CRLF, drive letters, separators and cases that differ from the files'
// names, and letters of other languages in folders.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from './test-folders.mjs';

/** Twelve pictures of a square each, named in capitals; the table names them as they lay on a drive, in small letters. */
async function makeData(folder) {
  const sharp = createRequire(import.meta.url)('sharp');
  mkdirSync(join(folder, 'Bilder'), { recursive: true });
  const rows = ['filename,xmin,ymin,xmax,ymax,class'];
  for (let i = 0; i < 12; i++) {
    const square = {
      input: { create: { width: 30, height: 30, channels: 3, background: '#3a3' } },
      left: 4 + i,
      top: 9,
    };
    const ground = { create: { width: 96, height: 64, channels: 3, background: '#a33' } };
    await sharp(ground)
      .composite([square])
      .png()
      .toFile(join(folder, 'Bilder', `B${i}.PNG`));
    rows.push(`C:\\Users\\me\\bilder\\b${i}.png,${4 + i},9,${34 + i},39,cell`);
  }
  writeFileSync(join(folder, 'annotations.csv'), `${rows.join('\r\n')}\r\n`);
  writeFileSync(join(folder, 'list.txt'), 'Bilder\\B1.PNG\r\nbilder\\b2.png\r\n');
}

/** `run(...args)` runs the package's command under Windows, and gives what it prints; throws where it fails. */
export async function useCommands(run) {
  const folder = join(root, 'build', 'windows zellen ü');
  rmSync(folder, { recursive: true, force: true });
  await makeData(folder);
  const windows = (...names) => `Z:${join(folder, ...names).replaceAll('/', '\\')}`;
  const must = (what, found) => {
    if (!found) throw new Error(`${what} is not what it should be on Windows.`);
  };
  must('inspect', run('inspect', windows()).includes('Nothing had to be mended'));
  run('train', windows(), '--out', windows('läufe', 'eins'), '--steps', '2', '--checkpoint-every', '1');
  run('train', '--resume', windows('läufe', 'eins'));
  const lines = readFileSync(join(folder, 'läufe', 'eins', 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n');
  must(
    'metrics.jsonl',
    lines.some((line) => JSON.parse(line).step === 2),
  );
  const found = (...pictures) =>
    new Set(
      [
        ...run('detect', windows('läufe', 'eins', 'best'), ...pictures, '--format', 'csv', '--score', '0')
          .toLowerCase()
          .matchAll(/b\d+\.png(?=,cell)/g),
      ].map(String),
    );
  must('a pattern', [...found(windows('Bilder', '*1.png'))].sort().join() === 'b1.png,b11.png');
  must('a list', [...found(windows('list.txt'))].sort().join() === 'b1.png,b2.png');
  console.log('inspect, train, --resume and detect: folders, a pattern and a list as Windows writes them');
}
