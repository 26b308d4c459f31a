// On Windows, a file that another program has open for itself: a save waits until it is let go, and says why where it is not.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './test-folders.mjs';
import { WINDOWS_COMPILER } from './wine.mjs';

/** Holds the file that it is given for so many milliseconds, and says on standard output when it has it. */
const HOLDER = `#include <windows.h>
#include <cstdio>
#include <cstdlib>
int main(int, char** words) {
  HANDLE file = CreateFileA(words[1], GENERIC_READ, 0, nullptr, OPEN_EXISTING, 0, nullptr);
  FILE* sign = fopen(words[3], "w");
  fputs(file == INVALID_HANDLE_VALUE ? "failed" : "held", sign);
  fclose(sign);
  Sleep(atoi(words[2]));
}
`;

/** In Windows' Node.js: a save while the program holds its target. */
const SAVE = `import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { renameWhenFree } from 'RENAME';
const save = async (milliseconds) => {
  const sign = \`held-\${milliseconds}\`;
  writeFileSync('old', 'old');
  writeFileSync('new', 'new');
  spawn('./holder.exe', ['old', String(milliseconds), sign], { stdio: 'ignore' });
  while (!existsSync(sign) || readFileSync(sign, 'utf8') === '') await new Promise((done) => setTimeout(done, 10));
  if (readFileSync(sign, 'utf8') !== 'held') return 'nothing was held';
  const begun = performance.now();
  try {
    renameWhenFree('new', 'old');
    return \`\${readFileSync('old', 'utf8')} after \${performance.now() - begun > 100 ? 'waiting' : 'no time'}\`;
  } catch (error) {
    return error.message;
  }
};
writeFileSync('said', JSON.stringify([await save(500), await save(6000)]));
`;

/** `run(script, folder)` runs a script there in Windows' Node.js. Throws where anything is wrong. */
export function holdFiles(run) {
  const folder = join(root, 'build', 'windows held');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'holder.cc'), HOLDER);
  const compiler = ['-static', '-o', 'holder.exe', 'holder.cc'];
  const { status, stderr } = spawnSync(WINDOWS_COMPILER, compiler, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`compiling a program that holds a file failed: ${stderr}`);
  writeFileSync(join(folder, 'save.mjs'), SAVE.replace('RENAME', '../../dist/retinanet/rename.js'));
  run('save.mjs', folder);
  const [free, held] = JSON.parse(readFileSync(join(folder, 'said'), 'utf8'));
  if (free !== 'new after waiting' || !/another program may have it open/.test(held))
    throw new Error(`a file that another program has open: ${free}; ${held}`);
  console.log('a save waits for a program that has the file open, and says so where it keeps it');
}
