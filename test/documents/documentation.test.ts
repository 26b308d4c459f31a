// What an editor shows of the package: comments and types of its declarations.
import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test from 'ava';
import ts from 'typescript';
import * as sync from 'retinanet-ops';
import { cases, everywhere } from '../operations/driver/cases.js';
import { writeTypedProgram } from '../support/typed-program.js';

const entries = ['dist/index.d.ts', 'dist/promises/index.d.ts', 'dist/tfjs/index.d.ts'].map((file) => resolve(file));
const program = ts.createProgram(entries, {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
  skipLibCheck: true,
});
const checker = program.getTypeChecker();

/** What an entry exports, by name. */
function exportsOf(file: string): Map<string, ts.Symbol> {
  const module = checker.getSymbolAtLocation(program.getSourceFile(file)!)!;
  const resolved = (symbol: ts.Symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  return new Map(checker.getExportsOfModule(module).map((symbol) => [symbol.name, resolved(symbol)]));
}

const operations = cases.map(({ name }) => name);
const [main, promised, tensors] = entries.map(exportsOf) as [
  Map<string, ts.Symbol>,
  Map<string, ts.Symbol>,
  Map<string, ts.Symbol>,
];

test('every function of every entry is documented', (t) => {
  for (const all of [main, promised, tensors]) {
    for (const [name, symbol] of all) {
      if (!(symbol.flags & ts.SymbolFlags.Value) || name === 'cuda') continue;
      t.regex(ts.displayPartsToString(symbol.getDocumentationComment(checker)), /\w{3}/, name);
    }
    for (const { name } of all === tensors ? everywhere : cases) {
      const tags = all.get(name)?.getJsDocTags(checker) ?? [];
      t.true(
        tags.some((tag) => tag.name === 'throws'),
        name,
      );
    }
  }
});

test('what hovering over a promised operation shows: its arguments, shapes and errors', (t) => {
  for (const name of operations) {
    const symbol = promised.get(name)!;
    const tags = symbol.getJsDocTags(checker);
    const text = tags.map(({ text }) => ts.displayPartsToString(text)).join('\n');
    const described = tags.filter((tag) => tag.name === 'param').map((tag) => tag.text?.[0]?.text);
    const type = checker.getTypeOfSymbol(symbol);
    const parameters = type.getCallSignatures()[0]!.parameters.map((parameter) => parameter.name);
    t.deepEqual(
      parameters.filter((parameter) => parameter !== 'options'),
      described,
      name,
    );
    t.regex(`${ts.displayPartsToString(symbol.getDocumentationComment(checker))}\n${text}`, /\[.*\]|shape/, name);
    t.regex(text, /rejects (with RetinanetOpsError ERR_|as \w+ does)/, name);
  }
});

test('every value and type of the main entry is exported by promises as well', (t) => {
  t.deepEqual([...promised.keys()].sort(), [...main.keys()].sort());
  for (const name of Object.keys(sync)) t.truthy((promised.get(name)?.flags ?? 0) & ts.SymbolFlags.Value, name);
  t.true(promised.has('AssignOptions') && promised.has('FocalLossOptions'));
});

test('types that signatures of an entry name are exported by it', (t) => {
  for (const [entry, all] of [
    ['retinanet-ops', main],
    ['retinanet-ops/promises', promised],
    ['retinanet-ops/tfjs', tensors],
  ] as const) {
    for (const [name, symbol] of all) {
      if (!(symbol.flags & ts.SymbolFlags.Value) || symbol.flags & ts.SymbolFlags.Class) continue;
      for (const signature of checker.getTypeOfSymbol(symbol).getCallSignatures()) {
        const types = [signature.getReturnType(), ...signature.parameters.map((p) => checker.getTypeOfSymbol(p))];
        for (const type of types.flatMap((one) => [one, ...(one.isUnion() ? one.types : [])])) {
          const named = type.aliasSymbol ?? type.getSymbol();
          const file = named?.declarations?.[0]?.getSourceFile().fileName ?? '';
          if (named === undefined || !file.includes('/dist/') || file.includes('node_modules')) continue;
          if (named.name === '__type' || named.flags & ts.SymbolFlags.TypeParameter) continue;
          t.true(all.has(named.name), `${entry}: ${name} names ${named.name}`);
        }
      }
    }
  }
});

test('a program that uses the types of every entry compiles', (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'retinanet-ops-types-')));
  try {
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(resolve('.'), join(folder, 'node_modules', 'retinanet-ops'), 'junction');
    symlinkSync(resolve('node_modules', '@tensorflow'), join(folder, 'node_modules', '@tensorflow'), 'junction');
    writeFileSync(join(folder, 'package.json'), '{}');
    writeTypedProgram(folder, 'nodenext', 'nodenext');
    const config = ts.getParsedCommandLineOfConfigFile(
      join(folder, 'tsconfig.json'),
      {},
      {
        ...ts.sys,
        onUnRecoverableConfigFileDiagnostic: (problem) => t.fail(JSON.stringify(problem.messageText)),
      },
    )!;
    const problems = ts.getPreEmitDiagnostics(ts.createProgram(config.fileNames, config.options));
    t.deepEqual(
      problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
      [],
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
