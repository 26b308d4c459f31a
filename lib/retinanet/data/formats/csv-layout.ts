// Which column of a CSV file holds what.
import type { CsvRow } from './csv-rows.js';
import type { SourceBox } from './source.js';

export interface Layout {
  hasHeader: boolean;
  path: number;
  /** Undefined: all objects are of one class. */
  class: number | undefined;
  /** Left, upper, right, lower; or one column of a list of four. */
  edges: number[];
  /** The third and fourth are width and height. */
  isSize: boolean;
  /** Width and height of the image. */
  size: [number, number] | undefined;
}

const COLUMNS = {
  path: 'filename file file_name image image_id imageid image_name image_path img img_name img_path path filepath name',
  class: 'class label class_name classname category labelname label_name object type class_id',
  x1: 'xmin x1 x_min left bbox_xmin bbox_x1 min_x',
  y1: 'ymin y1 y_min top bbox_ymin bbox_y1 min_y',
  x2: 'xmax x2 x_max right bbox_xmax bbox_x2 max_x',
  y2: 'ymax y2 y_max bottom bbox_ymax bbox_y2 max_y',
  x: 'x bbox_x',
  y: 'y bbox_y',
  w: 'w bbox_w bbox_width box_width',
  h: 'h bbox_h bbox_height box_height',
  bbox: 'bbox box',
  width: 'width image_width img_width',
  height: 'height image_height img_height',
} as const;
type Column = keyof typeof COLUMNS;

const isNumber = (cell: string | undefined) => cell !== undefined && cell !== '' && Number.isFinite(Number(cell));

/** Undefined where these are no annotations. */
export function layoutOf(rows: readonly CsvRow[]): Layout | undefined {
  const [first] = rows;
  if (!first) return undefined;
  return named(first.cells) ?? counted(rows);
}

function named(cells: readonly string[]): Layout | undefined {
  const names = cells.map((cell) => cell.toLowerCase().replaceAll(/[\s-]+/g, '_'));
  const column = (key: Column) => {
    const found = COLUMNS[key].split(' ').map((name) => names.indexOf(name));
    return found.find((index) => index >= 0);
  };
  const path = column('path');
  if (path === undefined) return undefined;
  const [width, height] = [column('width'), column('height')];
  const label = column('class');
  const corners = (['x1', 'y1', 'x2', 'y2'] as const).map(column);
  const base = { hasHeader: true, path, class: label };
  const size: Layout['size'] = width === undefined || height === undefined ? undefined : [width, height];
  if (corners.every((index) => index !== undefined)) return { ...base, edges: corners, isSize: false, size };
  const left = [column('x') ?? column('x1'), column('y') ?? column('y1')];
  const sides = [column('w') ?? width, column('h') ?? height];
  const box = [...left, ...sides];
  if (box.every((index) => index !== undefined)) {
    return { ...base, edges: box, isSize: true, size: column('w') === undefined ? undefined : size };
  }
  const list = column('bbox');
  return list === undefined ? undefined : { ...base, edges: [list], isSize: true, size };
}

/** Without a header: by where the numbers are. A first row of words that are no numbers is a header all the same. */
function counted(rows: readonly CsvRow[]): Layout | undefined {
  const boxed = rows.find(({ cells }, i) => i > 0 && cells.filter(isNumber).length >= 4) ?? rows[0]!;
  const first = rows[0]!.cells;
  const are = (columns: readonly number[]) => columns.every((column) => isNumber(boxed.cells[column]));
  const blank = boxed.cells.length === 6 && boxed.cells.slice(1).every((cell) => cell === '');
  const layout = (edges: number[], label: number, size?: [number, number]): Layout => {
    const hasHeader = boxed !== rows[0] && edges.every((column) => !isNumber(first[column])) && first[edges[0]!] !== '';
    return { hasHeader, path: 0, class: label, edges, isSize: false, size };
  };
  if (are([4, 5, 6, 7]) && are([1, 2]) && !isNumber(boxed.cells[3])) return layout([4, 5, 6, 7], 3, [1, 2]);
  if (are([1, 2, 3, 4, 6, 7])) return layout([1, 2, 3, 4], 5, [6, 7]);
  if ((are([1, 2, 3, 4]) || blank) && boxed.cells.length >= 6) return layout([1, 2, 3, 4], 5);
  return undefined;
}

/** The edges of a row, or why there are none. */
export function edgesIn({ isSize, edges }: Layout, cells: readonly string[]): SourceBox['edges'] | string {
  const values = edges.length === 1 ? (cells[0]!.match(/-?[\d.]+(e[-+]?\d+)?/gi) ?? []) : cells;
  const bad = values.find((value) => !isNumber(value));
  if (bad !== undefined || values.length !== 4) {
    return `expected four numbers, received ${bad === undefined ? String(values.length) : `'${bad.slice(0, 40)}'`}`;
  }
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = values.map(Number);
  if (!isSize) return [x1, y1, x2, y2];
  return x2 > 0 && y2 > 0 ? [x1, y1, x1 + x2, y1 + y2] : `width ${x2} and height ${y2}: no area`;
}
