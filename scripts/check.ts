/** `npm run check`: everything that can be said about the code without running it. All checks run, even after one failed. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { stopWithParent } from '../local/parent.ts';
import { actionPinProblems } from './checks/action-pins.ts';
import { docPathProblems } from './checks/doc-paths.ts';
import { environmentProblems } from './checks/environment.ts';
import { lockFileProblems } from './checks/lock-file.ts';
import { machinePathProblems } from './checks/machine-paths.ts';
import { packageRunnerProblems } from './checks/package-runners.ts';

const root = resolve(import.meta.dirname, '..');

/** Gives what is wrong as text for a person; empty when nothing is. */
type Check = () => string;

const checks: Record<string, Check> = {
  types: tool('tsc', '--project', '.', '--pretty', 'false'),
  'types of the sandbox page': tool('tsc', '--project', 'local/standins/page', '--pretty', 'false'),
  'lint, import direction, workflow purity': tool('oxlint', '--format', 'unix'),
  'format (npm run format mends it)': tool('oxfmt', '--list-different'),
  'unused files, exports, dependencies': tool('knip', '--no-progress', '--no-config-hints'),
  'lock file': () => lockFileProblems(root).join('\n'),
  'paths named in docs': () => docPathProblems(root).join('\n'),
  'paths of one machine': () => machinePathProblems(root).join('\n'),
  'actions pinned to commits': () => actionPinProblems(root).join('\n'),
  'environment variables': () => environmentProblems(root).join('\n'),
  'package runners in what is copied': () => packageRunnerProblems(root).join('\n'),
};

/** A program of node_modules/.bin that ends with 0 when all is well. */
function tool(name: string, ...args: string[]): Check {
  return () => {
    const { status, error, stdout, stderr } = spawnSync(name, args, { cwd: root, encoding: 'utf8' });
    if (error) return `${name} could not be run: ${error.message}`;
    return status === 0 ? '' : `${stdout}${stderr}`.trim() || `${name} ended with ${status}`;
  };
}

/** A check that could not be made has failed. */
function outcome(check: Check): string {
  try {
    return check();
  } catch (error) {
    return `could not be checked: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
}

/** @returns whether all is well */
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
