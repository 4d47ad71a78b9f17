/**
 * `npm run check:features`: shows that features can be left out. Deletes their folders and their entries in the two
 * lists from copies of this tree, and runs the type checker and the stories of the core in each copy:
 *   npm run check:features -- [--each] [FEATURE…]
 * Without names: all features. `--each`: a copy for each of them instead of one copy without them. A feature is left out
 * with those that require it.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stopWithParent } from '../local/parent.ts';
import { copyOf } from './copy.ts';
import { requiredIn } from './lint/import-direction.mjs';

const ROOT = join(import.meta.dirname, '..');
const LISTS = ['index.ts', 'names.ts'];

/** Paths of the tests that show that the core works: an incident from its alert to its end, and each entrance. */
const CORE_STORIES = [
  'test/workflows/runbook.test.ts',
  'test/entrances/http/app.test.ts',
  'test/core/jobs/sweep/sweep.test.ts',
  'test/entrances/console/pages.test.ts',
  'test/entrances/slack/commands/parse.test.ts',
  'test/local/start.test.ts',
];

export const featuresOf = (root: string): string[] =>
  readdirSync(join(root, 'features'), { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? [one.name] : []));

/** Returns features with those that require one of them, which must be left out, too. */
export function withDependents(
  features: readonly string[],
  requires: Readonly<Record<string, readonly string[]>>,
): string[] {
  const more = Object.keys(requires).filter(
    (name) => !features.includes(name) && requires[name]?.some((other) => features.includes(other)),
  );
  return more.length === 0 ? [...features] : withDependents([...features, ...more], requires);
}

const requirementsIn = (root: string): Record<string, string[]> =>
  Object.fromEntries(
    featuresOf(root).map((name) => [
      name,
      requiredIn(readFileSync(join(root, 'features', name, 'feature.ts'), 'utf8')),
    ]),
  );

/**
 * Removes the entries of features from a list: the import, and its name in the array.
 *
 * @param text content of `features/index.ts` or `features/names.ts`
 * @throws Error if a feature is not in the list
 */
export function withoutEntries(text: string, features: readonly string[]): string {
  let rest = text;
  for (const feature of features) {
    const line = rest.split('\n').find((one) => one.startsWith('import ') && one.includes(`'./${feature}/`));
    const name = line === undefined ? undefined : /(\w+) \} from/.exec(line)?.[1];
    if (line === undefined || name === undefined) throw new Error(`no import of ${feature} in the list of features`);
    rest = rest.replace(`${line}\n`, '').replace(new RegExp(`(?<=[[,\\s])${name}(?:, |,\\n| *(?=\\]))`), '');
  }
  return rest.replace(/, *\]/, ']');
}

function copyWithout(features: readonly string[]): string {
  const copy = copyOf(ROOT, 'without', (file) => {
    const [top, feature, inside] = file.split('/');
    return !(top === 'features' && inside !== undefined && feature !== undefined && features.includes(feature));
  });
  for (const list of [...LISTS, 'verbs.ts']) {
    const path = join(copy, 'features', list);
    const text = readFileSync(path, 'utf8');
    // Not every feature has verbs.
    const listed = list === 'verbs.ts' ? features.filter((feature) => text.includes(`'./${feature}/`)) : features;
    writeFileSync(path, withoutEntries(text, listed));
  }
  return copy;
}

/** Runs a program of the packages in a copy. Returns whether it succeeded; prints its output if not. */
function succeeds(copy: string, what: string, args: readonly string[]): boolean {
  const began = Date.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: copy,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'}  ${what} (${((Date.now() - began) / 1000).toFixed(0)} s)`);
  if (status !== 0) console.log(`${stdout}\n${stderr}`.slice(-8000));
  return status === 0;
}

/** Without tests: those of the core import no feature, as the linter checks. */
const PRODUCT = 'tsconfig.product.json';

function checkWithout(features: readonly string[]): boolean[] {
  const copy = copyWithout(features);
  const { exclude } = JSON.parse(readFileSync(join(copy, 'tsconfig.json'), 'utf8')) as { exclude: string[] };
  const product = { extends: './tsconfig.json', exclude: [...exclude, 'test', '**/test/**', '**/*.test.ts'] };
  writeFileSync(join(copy, PRODUCT), JSON.stringify(product));
  const named = `without ${features.join(', ')}`;
  try {
    return [
      succeeds(copy, `types ${named}`, ['node_modules/typescript/bin/tsc', '--project', PRODUCT, '--pretty', 'false']),
      succeeds(copy, `stories of the core ${named}`, [
        'node_modules/vitest/vitest.mjs',
        'run',
        '--project',
        'test',
        ...CORE_STORIES,
      ]),
    ];
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  stopWithParent();
  const all = featuresOf(ROOT);
  const { values, positionals } = parseArgs({
    options: { each: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const named = positionals.length > 0 ? positionals : all;
  const unknown = named.filter((name) => !all.includes(name));
  if (unknown.length > 0) throw new Error(`no feature ${unknown.join(', ')}; the features are: ${all.join(', ')}`);
  const copies = (values.each ? named.map((name) => [name]) : [named]).map((one) =>
    withDependents(one, requirementsIn(ROOT)),
  );
  const results = copies.flatMap(checkWithout);
  const failed = results.filter((ok) => !ok).length;
  console.log(`${results.length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
