import test from 'ava';
import { CAT, DOG, readFiles, refused } from './folders.js';

const BOX: [string, ...typeof DOG][] = [['dog', ...DOG]];

test("TensorFlow's and Roboflow's columns in the folders of splits; a list that only counts classes", async (t) => {
  const header = 'filename,width,height,class,xmin,ymin,xmax,ymax\n';
  const files = {
    'train/_annotations.csv': `${header}a.png,64,48,dog,8,8,40,40\na.png,64,48,cat,20,12,56,44\n`,
    'valid/_annotations.csv': `${header}b.png,64,48,dog,8,8,40,40`,
    'train/_classes.csv': 'filename, dog, cat\na.png, 1, 1\n',
  };
  const { train, val, classes, warnings } = await readFiles(t, files, ['train/a.png', 'valid/b.png']);
  t.deepEqual([train, val], [{ 'train/a.png': [...BOX, ['cat', ...CAT]] }, { 'valid/b.png': BOX }]);
  t.deepEqual([classes, warnings], [['cat', 'dog'], {}]);
});

test('empty rows say that nothing is there; names from rows are sorted; semicolons; rows that are broken', async (t) => {
  const rows = [
    'a.png;;;;;',
    'b.png;8;8;40;40;dog',
    'b.png;8;8;;40;dog',
    'b.png;8;8;40;40;',
    'gone.png;1;1;9;9;cat',
    'b.png;20;12;56;44;cat',
  ];
  const { dataset, warnings, classes } = await readFiles(t, { 'annotations.csv': rows.join('\n') }, ['a.png', 'b.png']);
  const images = [...dataset.splits.train.images, ...dataset.splits.val.images].sort((a, b) =>
    a.file < b.file ? -1 : 1,
  );
  t.deepEqual(
    images.map(({ file, boxes }) => [file, boxes.length]),
    [
      ['a.png', 0],
      ['b.png', 2],
    ],
  );
  t.deepEqual(warnings, { 'box-unreadable': 2, 'image-missing': 1 });
  t.deepEqual(dataset.warnings.find(({ kind }) => kind === 'image-missing')?.examples[0], {
    file: 'annotations.csv',
    line: 5,
    message: 'gone.png is not there',
  });
  t.deepEqual(classes, ['cat', 'dog']);
});

test('class numbers from 1 or with gaps are packed; the whole list beside the splits is superfluous', async (t) => {
  const files = {
    'classes.csv': 'class,id\ndog,1\ncat,5\n',
    'train_labels.csv': 'a.png,8,8,40,40,1\n',
    'test_labels.csv': 'b.png,20,12,56,44,cat\n',
    'labels.csv': 'a.png,8,8,40,40,dog\nb.png,20,12,56,44,cat\n',
  };
  const { train, test: held, classes, warnings } = await readFiles(t, files, ['images/a.png', 'images/b.png']);
  t.deepEqual([train, held], [{ 'images/a.png': BOX }, { 'images/b.png': [['cat', ...CAT]] }]);
  t.deepEqual(classes, ['dog', 'cat']);
  t.deepEqual(warnings, { 'class-ids-packed': 1, 'file-not-read': 1, 'class-not-trained': 1 });
});

test('widths and heights, lists in a column, sizes of images after the class', async (t) => {
  const sized = await readFiles(t, { 'a.csv': 'image_id,width,height,bbox\na,64,48,"[8.0, 8.0, 32.0, 32.0]"\n' }, [
    'train/a.png',
  ]);
  t.deepEqual(sized.train, { 'train/a.png': [['object', ...DOG]] });
  const wide = await readFiles(t, { 'a.csv': 'image,x,y,w,h,label\na.png,8,8,32,32,dog\n' }, ['a.png']);
  t.deepEqual(wide.train, { 'a.png': BOX });
  const shelf = await readFiles(t, { 'annotations_train.csv': 'a.png,8,8,40,40,dog,64,48\n' }, ['images/a.png']);
  t.deepEqual(shelf.train, { 'images/a.png': BOX });
});

test('formats that are not read are named', async (t) => {
  const via = 'filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n';
  await refused(t, /annotations for via\.csv, received VIA's own format: export the annotations as COCO/, {
    'via.csv': via,
  });
  await refused(t, /annotations for .*, received none among 2 \.png, 1 \.md/, { 'x.md': '' }, ['a.png', 'b.png']);
});

test('a quote that is not closed is told with its file', async (t) => {
  const message = /expected CSV for annotations\.csv(:\d)?, received .*[Qq]uote/;
  await refused(t, message, { 'annotations.csv': 'a.png,8,8,40,40,"dog\nb.png,8,8,40,40,dog\n' }, ['a.png', 'b.png']);
});

test('a last letter that is no UTF-8 is one of an older tool, and UTF-16 with half a letter is read', async (t) => {
  const row = 'a.png,8,8,40,40,caf\u00e9';
  const latin = await readFiles(t, { 'annotations.csv': Buffer.from(row, 'latin1') }, ['a.png']);
  t.deepEqual(latin.classes, ['caf\u00e9']);
  const halved = Buffer.concat([
    Buffer.from(`\ufeff${row}`, 'utf16le'),
    Buffer.of(0x00, 0xd8),
    Buffer.from('x', 'utf16le'),
  ]);
  t.deepEqual((await readFiles(t, { 'annotations.csv': halved }, ['a.png'])).classes, ['caf\u00e9\ufffdx']);
});
