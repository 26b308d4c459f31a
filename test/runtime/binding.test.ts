import test from 'ava';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import type { Binding } from '../../binding.js';

const internal = (await import(new URL('./runtime/native.js', import.meta.resolve('retinanet-ops')).href)) as {
  native: () => Binding;
};

const file = fileURLToPath(new URL('../../../binding.d.ts', import.meta.url));
const program = ts.createProgram([file], { lib: ['lib.es2023.d.ts'], strict: true });
const checker = program.getTypeChecker();
const source = program.getSourceFile(file)!;

function declared(name: string): ts.InterfaceDeclaration {
  return source.statements.find(
    (statement) => ts.isInterfaceDeclaration(statement) && statement.name.text === name,
  ) as ts.InterfaceDeclaration;
}

function namesIn(type: ts.Type): string[] {
  return checker.getPropertiesOfType(type).map((property) => property.name);
}

/** The names of the fields that binding.d.ts declares for each operation. */
function declaredFields(): Record<string, string[]> {
  return Object.fromEntries(
    declared('Operations')
      .members.filter(ts.isMethodSignature)
      .map(({ name, parameters }) => [name.getText(source), namesIn(checker.getTypeAtLocation(parameters[0]!))]),
  );
}

/** Operations that a backend is chosen for. */
const rows = readFileSync(new URL('../../../native/backend/operations.def', import.meta.url), 'utf8');
const onBackends = [...rows.matchAll(/^RN_OPERATION\((\w)(\w*)/gm)].map(
  ([, first, rest]) => first!.toLowerCase() + rest!,
);

test('binding.d.ts declares the fields that native code reads', (t) => {
  const { fields } = internal.native();
  const sorted = (lists: Record<string, readonly string[]>) =>
    Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, [...list].sort()]));
  t.true(Object.keys(fields).length > 20);
  for (const [name, list] of Object.entries<readonly string[]>(fields)) {
    t.is(new Set(list).size, list.length, `${name} reads a field twice`);
    t.is(list.includes('backend'), onBackends.includes(name), name);
  }
  t.deepEqual(sorted(fields), sorted(declaredFields()));
});

for (const name of ['backends', 'dtypes', 'labels'] as const) {
  test(`binding.d.ts declares the ${name} that the addon numbers`, (t) => {
    const property = declared('Binding').members.find((member) => member.name?.getText(source) === name)!;
    t.deepEqual(namesIn(checker.getTypeAtLocation(property)).sort(), Object.keys(internal.native()[name]).sort());
  });
}

test('native code has the regressions of all box losses, and no others', async (t) => {
  const { BOX_LOSSES } = (await import(
    new URL('./operations/retinanet-loss.js', import.meta.resolve('retinanet-ops')).href
  )) as { BOX_LOSSES: Record<string, string> };
  const { regressions } = internal.native();
  t.deepEqual([...new Set(Object.values(BOX_LOSSES))].sort(), Object.keys(regressions).sort());
  t.deepEqual(Object.values(regressions), [...Object.keys(regressions).keys()]);
});

test('what native code refuses is said of the field', (t) => {
  const { backends, boxIou, fields } = internal.native();
  const { cpu } = backends;
  t.deepEqual(fields.boxIou, ['backend', 'a', 'b', 'out']);
  const boxes = new Float32Array(8);
  t.throws(
    () => {
      boxIou(cpu, boxes, 'no array', boxes);
    },
    {
      message: /^native field b: expected Float32Array of at least 0/,
    },
  );
  t.throws(
    () => {
      boxIou(cpu, boxes, boxes, new Float32Array(3));
    },
    {
      message: 'native field out: expected Float32Array of at least 4 elements',
    },
  );
  t.throws(
    () => {
      boxIou('cpu');
    },
    { message: 'native field backend: expected a number' },
  );
});

test('the labels are those of the documents', (t) => {
  t.deepEqual(internal.native().labels, { background: -1, ignored: -2 });
});
