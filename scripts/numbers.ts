/** `npm run numbers`: prints the size of the project. docs/explanation/architecture.md keeps the figures with their goals. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VARIABLES } from '../schemas/config/variables.ts';
import { isOneOf } from './checks/files.ts';
import { foldersOf } from './tree.mjs';

const ROOT = join(import.meta.dirname, '..');

const CODE = /\.(?:ts|mjs|js|css|html)$/;
export const TESTS = ['test/**', '{features,packages}/*/test/**'];
/** What is neither the product nor its tests. */
export const BESIDE = [`{.ci,${foldersOf('packages', 'tools', 'other').join()}}/**`];
/** What a user runs of the scripts. */
const STARTS = /^scripts\/(?:bootstrap|setup|npm-parent)\.mjs$/;

const isTest = (file: string): boolean => isOneOf(file, TESTS);

type Figure = { name: string; value: number; goal: number | null };

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

export function numbersOf(files: readonly string[], read: (file: string) => string): Figure[] {
  const lines = (some: readonly string[]): number => sum(some.map((file) => read(file).split('\n').length - 1));
  const code = files.filter((file) => CODE.test(file));
  const tests = code.filter(isTest);
  const product = code.filter((file) => !isTest(file) && (STARTS.test(file) || !isOneOf(file, BESIDE)));
  const packages = code.filter((file) => file.startsWith('packages/') && !isTest(file));
  const docs = files.filter((file) => /^docs\/.*\.md$|^README\.md$|^CONTRIBUTING\.md$/.test(file));
  const folders = new Set(files.flatMap((file) => (/^[^./][^/]*\//.test(file) ? [file.split('/')[0]] : [])));
  const fields = read('core/domain/ports/deps.ts').match(/^ {2}\w+: /gm) ?? [];
  return [
    { name: 'lines of the product', value: lines(product), goal: 120_000 },
    { name: 'lines of tests', value: lines(tests), goal: 105_000 },
    { name: 'lines of packages', value: lines(packages), goal: null },
    {
      name: 'words of the documentation',
      value: sum(docs.map((file) => read(file).split(/\s+/).length)),
      goal: 100_000,
    },
    { name: 'fields of `Deps`', value: fields.length, goal: 35 },
    { name: 'environment variables', value: Object.keys(VARIABLES).length, goal: 90 },
    { name: 'folders at the top', value: folders.size, goal: 17 },
    {
      name: 'features',
      value: new Set(files.flatMap((file) => /^features\/([^/]+)\//.exec(file)?.[1] ?? [])).size,
      goal: null,
    },
  ];
}

if (process.argv[1] === import.meta.filename) {
  const { stdout } = spawnSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 26 });
  const files = stdout.split('\0').filter((file) => file !== '');
  const figures = numbersOf(files, (file) => readFileSync(join(ROOT, file), 'utf8'));
  for (const { name, value, goal } of figures)
    console.log(`${String(value).padStart(8)}  ${name}${goal === null ? '' : ` (goal: at most ${goal})`}`);
}
