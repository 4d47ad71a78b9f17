/** `npm run check`: all static checks. A failed check does not stop the others. */
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { stopWithParent } from '../local/parent.ts';
import { actionPinProblems } from './checks/action-pins.ts';
import { docPathProblems } from './checks/doc-paths.ts';
import { environmentProblems } from './checks/environment.ts';
import { lockFileProblems } from './checks/lock-file.ts';
import { machinePathProblems } from './checks/machine-paths.ts';
import { packageRunnerProblems } from './checks/package-runners.ts';
import { patternProblems } from './checks/patterns.ts';
import { retiredWordProblems } from './checks/retired-words.ts';
import { treeProblems } from './checks/tree.ts';
import { licenseProblems } from './release/licenses.ts';

const root = resolve(import.meta.dirname, '..');

/** Returns the problems as text; empty if there are none. */
type Check = () => string;

const checks: Record<string, Check> = {
  types: tool('tsc', '--project', '.', '--pretty', 'false'),
  'types of the sandbox page': tool('tsc', '--project', 'packages/sandbox/page', '--pretty', 'false'),
  'lint, import direction, workflow purity': tool('oxlint', '--format', 'unix'),
  'format (to fix: npm run format)': tool('oxfmt', '--list-different'),
  'unused files, exports, dependencies': tool('knip', '--no-progress', '--no-config-hints'),
  'lock file, licenses': () =>
    [...[root, join(root, 'scripts/node')].flatMap(lockFileProblems), ...licenseProblems(root)].join('\n'),
  'paths named in docs': () => docPathProblems(root).join('\n'),
  'machine-specific paths': () => machinePathProblems(root).join('\n'),
  'actions pinned to commits': () => actionPinProblems(root).join('\n'),
  'environment variables': () => environmentProblems(root).join('\n'),
  'package runners in documents and examples': () => packageRunnerProblems(root).join('\n'),
  'patterns of checks and tools': () => patternProblems(root).join('\n'),
  'lists of folders': () => treeProblems(root).join('\n'),
  'retired words': () => retiredWordProblems(root).join('\n'),
};

/** Returns a check that runs a program of node_modules/.bin and passes if it exits with 0. */
function tool(name: string, ...args: string[]): Check {
  return () => {
    const { status, error, stdout, stderr } = spawnSync(name, args, { cwd: root, encoding: 'utf8' });
    if (error) return `cannot run ${name}: ${error.message}`;
    return status === 0 ? '' : `${stdout}${stderr}`.trim() || `${name} exited with ${status}`;
  };
}

/** Runs a check. A check that throws has failed. */
function outcome(check: Check): string {
  try {
    return check();
  } catch (error) {
    return `the check failed to run: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
}

/** Prints the result of a check. @returns whether it passed */
function report(name: string, check: Check): boolean {
  const began = performance.now();
  const problems = outcome(check);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${problems === '' ? 'ok  ' : 'FAIL'}  ${name.padEnd(40)} ${seconds.padStart(5)} s`);
  if (problems !== '') console.log(`${problems.replaceAll(/^/gm, '      ')}\n`);
  return problems === '';
}

stopWithParent();
const results = Object.entries(checks).map(([name, check]) => report(name, check));
const failed = results.filter((ok) => !ok).length;
console.log(`${results.length - failed} passed, ${failed} failed`);
if (failed > 0) process.exitCode = 1;
