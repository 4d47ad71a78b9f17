/**
 * `npm run test:long -- [PART…] [ARGUMENT…]`: all tests that `.ci/run` leaves out, in parts of at most ten minutes on two
 * processors. Without names, all parts. Other arguments go to the test runner. Cases are random: a run prints its seed,
 * and `FIREBREAK_SEED` gives it again.
 *
 *   npm run test:long -- operations
 *   npm run test:long -- test/e2e/tour
 *   FIREBREAK_SEED=1234 npm run test:long -- kills -t 'act:'
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stopWithParent } from '../local/parent.ts';
import { type Counts, countsOf } from './run-counts.ts';
import { KILLS, LONG, STORIES, TESTS } from './test-files.ts';
import { featuresOf } from './without-features.ts';

const ROOT = join(import.meta.dirname, '..');

/** Seconds in which the part `kills` begins kills, in the order of the seed. All of them need about half an hour. */
const KILLS_SECONDS = process.env['FIREBREAK_KILL_SECONDS'] ?? '420';

/** How many times the cases of `npm test` the part `properties` plays. */
const PROPERTY_RUNS = process.env['FIREBREAK_RUNS'] ?? '10';

/** Patterns of the files of a part; a file belongs to the first part that matches it. */
const FILES: Readonly<Record<string, RegExp>> = {
  features: /^features\//,
  evaluation: /^(packages\/|test\/e2e\/(evaluation|judge|plots))/,
  operations: /^test\/e2e\/(operations|failures|sandbox|demo|alerts|tour)\//,
  responses: /^test\/e2e\//,
  product: /^test\/(product|workflows|fault)\//,
  rest: /^test\//,
};

/** Arguments of Node for each command of a part. */
type Part = readonly (readonly string[])[];

const vitest = (project: string, ...args: string[]): string[] => [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--project',
  project,
  ...args,
];

/** Whether a test, or a suite that it imports, plays random cases. */
function searches(root: string, file: string): boolean {
  const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');
  const text = textOf(file);
  const suites = [...text.matchAll(/ from '(\.\.?\/[^']*)';/g)]
    .map(([, path = '']) => join(dirname(file), path))
    .filter((path) => /(^|\/)test\//.test(path) && existsSync(join(root, path)));
  return [text, ...suites.map(textOf)].some((one) => /\bfc\s*\.(assert|sample)\b|\bruns\(/.test(one));
}

/** Returns the parts in the order in which they run. */
export function partsOf(root: string): Record<string, Part> {
  const all = globSync(LONG, { cwd: root, exclude: STORIES });
  const files = [...new Set(all)].toSorted();
  const partOf = (file: string) => Object.entries(FILES).find(([, pattern]) => pattern.test(file))?.[0];
  const withFiles = Object.keys(FILES).map((part): [string, Part] => [
    part,
    [vitest('long', ...files.filter((file) => partOf(file) === part))],
  ]);
  const fast = globSync(TESTS, { cwd: root, exclude: [...STORIES, ...LONG, ...KILLS] });
  const properties = fast.toSorted().filter((file) => searches(root, file));
  const features = featuresOf(root);
  const half = Math.ceil(features.length / 2);
  const without = (...names: string[]): Part => [['scripts/without-features.ts', '--each', ...names]];
  return {
    ...Object.fromEntries(withFiles),
    properties: [vitest('test', '--testTimeout=1800000', ...properties)],
    kills: [vitest('kill')],
    'without-1': without(...features.slice(0, half)),
    'without-2': without(...features.slice(half)),
    mends: [['scripts/mends.ts']],
    bench: [['packages/lab/bench/main.ts', 'short']],
    machine: [['scripts/check-image.ts'], ['scripts/check-unit.ts']],
  };
}

/** Runs a program and passes its output on. @returns the counts of its last line; one failure if it has none */
async function run(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Counts> {
  console.log(`\n== node ${args.join(' ').slice(0, 200)}`);
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ...env,
      FIREBREAK_KILL_SECONDS: KILLS_SECONDS,
    },
  });
  let last = '';
  child.stdout.on('data', (chunk: Buffer) => {
    process.stdout.write(chunk);
    last = (last + chunk.toString()).slice(-1000);
  });
  const [status] = (await once(child, 'close')) as [number | null];
  const counts = countsOf(last) ?? { passed: 0, failed: 1 };
  return status === 0 || counts.failed > 0 ? counts : { ...counts, failed: 1 };
}

if (process.argv[1] === import.meta.filename) {
  stopWithParent();
  const parts = partsOf(ROOT);
  const given = process.argv.slice(2);
  const isPart = (text: string): boolean => Object.hasOwn(parts, text);
  const [named, others] = [given.filter(isPart), given.filter((text) => !isPart(text))];
  if (given.length > 0 && named.length === 0) parts['long'] = [vitest('long')];
  const names = given.length === 0 ? Object.keys(parts) : named.length === 0 ? ['long'] : named;
  const seed = process.env['FIREBREAK_SEED'] ?? String(Math.floor(Math.random() * 2 ** 31));
  const total = { passed: 0, failed: 0 };
  const results: string[] = [];
  for (const name of names) {
    const env = { FIREBREAK_SEED: seed, ...(name === 'properties' && { FIREBREAK_RUNS: PROPERTY_RUNS }) };
    const [began, part] = [performance.now(), { passed: 0, failed: 0 }];
    for (const args of parts[name] ?? []) {
      const { passed, failed } = await run([...args, ...others], env);
      part.passed += passed;
      part.failed += failed;
    }
    total.passed += part.passed;
    total.failed += part.failed;
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    results.push(`${name}: ${part.passed} passed, ${part.failed} failed in ${seconds} s`);
  }
  console.log(`\n${results.join('\n')}\nseed: FIREBREAK_SEED=${seed}\n${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}
