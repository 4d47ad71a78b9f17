import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const project = resolve(import.meta.dirname, '..');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firebreak-reporter-'));
  await symlink(join(project, 'node_modules'), join(folder, 'node_modules'));
  const files = {
    'green.test.ts': `import { test } from 'vitest'; test('a', () => {}); test('b', () => {});`,
    'red.test.ts': `import { expect, test } from 'vitest'; test('a', () => {}); test('b', () => expect(1).toBe(2));`,
    'some.test.ts': `import { test } from 'vitest'; test('a', () => {}); test.skip('b', () => {}); test.todo('c');`,
    'only-skipped.test.ts': `import { test } from 'vitest'; test.skip('a', () => {});`,
    'broken.test.ts': `import './absent.ts';`,
    'empty.test.ts': ``,
    'suite.test.ts': `import { beforeAll, describe, test } from 'vitest'; test('a', () => {});
      describe('s', () => { beforeAll(() => { throw new Error('no'); }); test('b', () => {}); });`,
    'late.test.ts': `import { test } from 'vitest';
      test('a', () => { setTimeout(() => { throw new Error('late'); }); return new Promise((done) => setTimeout(done, 50)); });`,
  };
  await Promise.all(Object.entries(files).map(([name, code]) => writeFile(join(folder, name), code)));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function run(...files: string[]): Promise<{ lastLine: string | undefined; code: number }> {
  const args = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter',
    'default',
    '--reporter',
    join(project, 'test/reporter.ts'),
  ];
  return new Promise((done) => {
    const child = execFile(process.execPath, [...args, ...files], { cwd: folder }, (_error, stdout) => {
      done({ lastLine: /.*(?=\n$)/.exec(stdout)?.[0], code: child.exitCode ?? -1 });
    });
  });
}

test.each([
  ['all tests pass', ['green.test.ts'], '2 passed, 0 failed', 0],
  ['one test fails', ['green.test.ts', 'red.test.ts'], '3 passed, 1 failed', 1],
  ['some tests are skipped', ['some.test.ts'], '1 passed, 0 failed, 2 skipped', 0],
  ["a file that can't be loaded counts as a failure", ['green.test.ts', 'broken.test.ts'], '2 passed, 1 failed', 1],
  ['a file without tests counts as a failure', ['green.test.ts', 'empty.test.ts'], '2 passed, 1 failed', 1],
  ['a suite whose set-up fails counts as a failure', ['suite.test.ts'], '1 passed, 1 failed, 1 skipped', 1],
  ['an unhandled error counts as a failure', ['late.test.ts'], '1 passed, 1 failed', 1],
  ['all tests are skipped', ['only-skipped.test.ts'], '0 passed, 0 failed, 1 skipped', 1],
  ['no file matches', ['absent.test.ts'], '0 passed, 0 failed', 1],
])('%s: the last line and the exit code report it', async (_name, files, lastLine, code) => {
  expect(await run(...files)).toEqual({ lastLine, code });
});
