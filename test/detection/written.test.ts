// The forms in which detections are written.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { countedIds, DetectionsReport } from '#lib/cli/detections.js';

const NAMES = ['cat', 'a "dog"'];

function reportOf(pictures: number): DetectionsReport {
  const ids = countedIds(Array.from({ length: pictures }), NAMES);
  const report = new DetectionsReport(NAMES, ids);
  for (let i = 0; i < pictures; i++) {
    const found = {
      ...{ file: `${i}.jpg`, width: 40, height: 30 },
      ...{ boxes: Float32Array.of(1, 2, 4, 8), scores: Float32Array.of(0.75), labels: Int32Array.of(i % 2) },
    };
    report.add(found, { file: `${i}.jpg`, name: `${i}.jpg` }, i);
  }
  return report;
}

const textOf = (report: DetectionsReport, format: 'coco' | 'csv' | 'json') =>
  Buffer.from(report.written(format)).toString();

test('of no picture, one and more than fill a part', (t) => {
  for (const pictures of [0, 1, 20_000]) {
    const report = reportOf(pictures);
    report.failures.push({ file: 'x', message: 'y' });
    const coco = JSON.parse(textOf(report, 'coco')) as object[];
    const { images, failed } = JSON.parse(textOf(report, 'json')) as { images: object[]; failed: object[] };
    t.deepEqual([coco.length, images.length, failed], [pictures, pictures, [{ file: 'x', message: 'y' }]]);
    t.is(textOf(report, 'csv').split('\n').length, pictures + 2);
    if (pictures === 0) continue;
    const last = pictures - 1;
    t.deepEqual(coco[last], {
      ...{ image_id: pictures, category_id: (last % 2) + 1, bbox: [1, 2, 3, 6], score: 0.75 },
      ...{ file_name: `${last}.jpg`, category_name: NAMES[last % 2] },
    });
    t.deepEqual(images[last], {
      ...{ file: `${last}.jpg`, width: 40, height: 30 },
      detections: [{ class: NAMES[last % 2], score: 0.75, box: [1, 2, 4, 8] }],
    });
  }
  t.is(
    textOf(reportOf(2), 'csv'),
    'file,class,score,x1,y1,x2,y2\n0.jpg,cat,0.75,1,2,4,8\n1.jpg,"a ""dog""",0.75,1,2,4,8\n',
  );
});

test('JSON has an object on every line', (t) => {
  t.is(textOf(reportOf(3), 'coco').split('\n').length, 1 + 3 + 2);
});

test('a process that ends while it writes leaves nothing', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'retinanet-ops-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const program = `
    import { readdirSync } from 'node:fs';
    import { writeTogether } from ${JSON.stringify(pathToFileURL('dist/retinanet/write-together.js').href)};
    const before = process.listenerCount('exit');
    await writeTogether(${JSON.stringify(folder)}, [['whole', 'text']]);
    const content = function* () {
      yield Buffer.from('half of it');
      console.log(readdirSync(${JSON.stringify(folder)}).length, process.listenerCount('exit') - before);
      process.exit(130);
    };
    console.log(process.listenerCount('exit') - before);
    await writeTogether(${JSON.stringify(folder)}, [['half', content()]]);`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  t.is(status, 130, stderr);
  t.is(stdout, '0\n2 1\n');
  t.deepEqual(readdirSync(folder), ['whole']);
});
