/**
 * Shows that tests find bugs that were mended: puts each bug of test/mends/ back into a copy of this tree, one at a time, and
 * expects that a test of those that it names fails.
 *   npm run test:long -- mends [TEXT…]
 * With texts: only bugs whose area or description contains one of them.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stopWithParent } from '../local/parent.ts';
import { type Mend, MENDS } from '../test/mends/mends.ts';
import { isOneOf } from './checks/files.ts';
import { copyOf } from './copy.ts';
import { countsOf } from './run-counts.ts';
import { STORIES } from './test-files.ts';

const ROOT = join(import.meta.dirname, '..');

/** Milliseconds after which a run counts as one without a result, because the bug made it hang. */
const RUN_MAX_MS = 10 * 60_000;

const NAMES_MAX_CHARS = 200;

const projectOf = (file: string): string => (isOneOf(file, STORIES) ? 'stories' : 'test');

/** Returns the text with the bug in place of its mend. @throws Error if the text does not contain the mend exactly once */
function withBug(text: string, { mended, broken, file }: Mend): string {
  const count = text.split(mended).length - 1;
  if (count !== 1) throw new Error(`${file} contains the text of the mend ${count} times instead of once`);
  return text.replace(mended, () => broken);
}

/** Runs tests in a copy. Returns the names of those that fail; none if the run could not start or did not end. */
function failedTests(copy: string, tests: readonly string[]): string[] {
  const projects = [...new Set(tests.map(projectOf))].flatMap((project) => ['--project', project]);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', ...projects, ...tests],
    {
      cwd: copy,
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
      timeout: RUN_MAX_MS,
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  if (status === 0 || !countsOf(stdout)?.failed) return [];
  // A file that cannot be loaded has no name of a test, and proves nothing.
  return [...new Set([...stderr.matchAll(/^ *FAIL +\S+ +\S+ > (.+)$/gm)].map(([, name = '']) => name))];
}

/** Tries one bug in a copy. Returns whether a test has failed; prints which. */
function isFound(copy: string, mend: Mend): boolean {
  const began = Date.now();
  const path = join(copy, mend.file);
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, withBug(text, mend));
  let failed: string[] = [];
  try {
    failed = failedTests(copy, mend.tests);
  } finally {
    writeFileSync(path, text);
  }
  const seconds = ((Date.now() - began) / 1000).toFixed(0);
  const isOk = failed.length > 0;
  console.log(`${isOk ? 'ok    ' : 'MISSED'}  ${mend.area}: ${mend.bug} (${seconds} s)`);
  const names = failed.join('; ');
  if (isOk)
    console.log(`        failed: ${names.length > NAMES_MAX_CHARS ? `${names.slice(0, NAMES_MAX_CHARS)}…` : names}`);
  return isOk;
}

if (process.argv[1] === import.meta.filename) {
  stopWithParent();
  const texts = process.argv.slice(2);
  const mends = MENDS.filter(
    ({ area, bug }) => texts.length === 0 || texts.some((text) => area.includes(text) || bug.includes(text)),
  );
  if (mends.length === 0) throw new Error(`no bug contains ${texts.join(' or ')}`);
  const copy = copyOf(ROOT, 'mends');
  let missed = 0;
  try {
    for (const mend of mends) if (!isFound(copy, mend)) missed += 1;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
  console.log(`${mends.length - missed} passed, ${missed} failed`);
  process.exitCode = missed === 0 ? 0 : 1;
}
