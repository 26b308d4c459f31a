// What belongs into the package.
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

function filesUnder(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Every file of the package but the binaries, by its path within. */
export function packageFiles(): string[] {
  const compiled = filesUnder('lib').flatMap((file) =>
    ['.$1js', '.d.$1ts'].map((name) =>
      relative('.', file)
        .replace(/^lib/, 'dist')
        .replace(/\.(c?)ts$/, name),
    ),
  );
  const others = [
    'package.json',
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    'THIRD_PARTY_LICENSES.md',
    'sbom.cdx.json',
    'binding.d.ts',
    'CMakeLists.txt',
  ];
  const files = [
    ...compiled,
    ...others,
    'scripts/build-from-source.mjs',
    'scripts/toolchain.mjs',
    ...filesUnder('docs').filter((file) => file.endsWith('.md')),
    ...filesUnder('native').filter((file) => !file.startsWith(join('native', 'bench'))),
  ];
  return files.map((path) => path.replaceAll('\\', '/'));
}
