import { readFileSync } from 'node:fs';
import { matchesGlob, join } from 'node:path';
import { unusedPlaces } from '../lint/import-direction.mjs';
import { BESIDE, TESTS } from '../numbers.ts';
import * as testFiles from '../test-files.ts';
import { NOT_CHECKED } from './environment.ts';
import { projectFiles } from './files.ts';
import { COPIED, NOT_COPIED } from './package-runners.ts';
import { EXEMPT } from './retired-words.ts';

/** Globs by the file that has them. */
type Globs = Readonly<Record<string, readonly string[]>>;

const OF_SCRIPTS: Globs = {
  'scripts/numbers.ts': [...TESTS, ...BESIDE],
  'scripts/test-files.ts': Object.values(testFiles).flat(),
  'scripts/checks/environment.ts': NOT_CHECKED,
  'scripts/checks/package-runners.ts': [...COPIED, ...NOT_COPIED],
  'scripts/checks/retired-words.ts': EXEMPT,
};

type Knip = { workspaces: Record<string, { entry: string[]; project: string[] }> };
type Lint = { overrides: { files: string[] }[]; ignorePatterns: string[] };

/** Reads the globs of the tools' own files. Comments in them are whole lines. */
function globsOfTools(root: string): Globs {
  const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');
  const parsed = (file: string): unknown => JSON.parse(textOf(file).replaceAll(/^\s*\/\/.*$/gm, ''));
  const knip = parsed('knip.json') as Knip;
  const lint = parsed('.oxlintrc.json') as Lint;
  const format = parsed('.oxfmtrc.json') as { ignorePatterns: string[] };
  const types = parsed('tsconfig.json') as { include: string[]; exclude: string[] };
  const { scripts } = parsed('package.json') as { scripts: Record<string, string> };
  const paths = Object.values(scripts).flatMap((script) => script.match(/(?<=\s)[\w.-]+\/\S+/g) ?? []);
  const git = textOf('.gitattributes').match(/^[^\s#]+/gm) ?? [];
  return {
    'knip.json': Object.entries(knip.workspaces).flatMap(([folder, { entry, project }]) =>
      [...entry, ...project].map((glob) => join(folder, glob)),
    ),
    '.oxlintrc.json': [...lint.overrides.flatMap(({ files }) => files), ...lint.ignorePatterns],
    'package.json': paths.filter((path) => !path.startsWith('node_modules/')),
    '.oxfmtrc.json': format.ignorePatterns,
    'tsconfig.json': [...types.include, ...types.exclude],
    '.gitattributes': git.map((glob) => (glob.includes('/') ? glob : `**/${glob}`)),
  };
}

/** Returns a glob for each alternative of its folders: `{a,b}/*.{ts,js}` becomes `a/*.{ts,js}` and `b/*.{ts,js}`. */
function alternatives(glob: string): string[] {
  const [whole, before = '', names = '', after = ''] = /^(.*?)\{([^{}]*)\}([^{}]*\/.*)$/.exec(glob) ?? [];
  return whole === undefined ? [glob] : names.split(',').flatMap((name) => alternatives(`${before}${name}${after}`));
}

/** Returns whether a glob matches a file, or names a folder with files. */
function matchesOne(glob: string, files: readonly string[]): boolean {
  const start = /^[^*?{[!]*/.exec(glob)?.[0] ?? '';
  return files.some(
    (file) => file.startsWith(start) && (matchesGlob(file, glob) || (glob === start && file.startsWith(`${glob}/`))),
  );
}

/**
 * Returns globs of checks and tools, and places in the rule for the direction of imports, that match no file: what they name
 * was moved or deleted, so they check or exempt nothing.
 */
export function patternProblems(root: string): string[] {
  const files = projectFiles(root);
  const all = Object.entries({ ...OF_SCRIPTS, ...globsOfTools(root) });
  return [
    ...all.flatMap(([file, globs]) =>
      globs
        .flatMap(alternatives)
        .filter((glob) => glob !== 'node_modules' && !matchesOne(glob, files))
        .map((glob) => `${file}: ${glob} matches no file`),
    ),
    ...unusedPlaces(files).map((place) => `scripts/lint/import-direction.mjs: ${place} has no file`),
  ];
}
