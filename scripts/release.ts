/**
 * `npm run release -- VERSION [--dry-run]`: makes a release in this clone. Moves the unreleased changes of CHANGELOG.md to the
 * version, sets the version in all files that state it, commits, and creates an annotated tag with the release notes.
 * Never pushes. With `--dry-run`, changes nothing, and prints the files and the notes.
 *
 * `npm run release -- notes VERSION`: prints the notes of a version in CHANGELOG.md.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stopWithParent } from '../local/parent.ts';
import { releaseChangelog, releaseNotes } from './release/changelog.ts';
import { currentVersion, type Edit, versionEdits, versionProblem } from './release/versions.ts';

/** The clone to release: the folder in which npm runs. */
const root = process.cwd();
const CHANGELOG = 'CHANGELOG.md';

/** @throws Error with what git printed, if it fails */
function git(input: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync('git', args, { cwd: root, encoding: 'utf8', input });
  if (status !== 0) throw new Error(`git ${args[0]} failed: ${error?.message ?? stderr.trim()}`);
  return stdout.trim();
}

/** @throws Error if a condition of a release is not met, with what to do */
function checkConditions(version: string): void {
  const problem = versionProblem(currentVersion(root), version);
  if (problem !== undefined) throw new Error(problem);
  const changed = git('', 'status', '--porcelain');
  if (changed !== '') throw new Error(`commit or remove these changes first:\n${changed}`);
  if (git('', 'tag', '--list', `v${version}`) !== '') throw new Error(`the tag v${version} exists`);
  const archive = `test/fixtures/upgrade/${version}.tar.gz`;
  if (!existsSync(join(root, archive)))
    throw new Error(`${archive} is missing: record it first (CONTRIBUTING.md, "Versions that run side by side")`);
}

function release(version: string, isDryRun: boolean): void {
  checkConditions(version);
  const changelog = releaseChangelog(
    readFileSync(join(root, CHANGELOG), 'utf8'),
    version,
    new Date().toISOString().slice(0, 10),
  );
  const notes = releaseNotes(changelog, version);
  const edits: Edit[] = [{ file: CHANGELOG, content: changelog }, ...versionEdits(root, version)];
  console.log(edits.map(({ file }) => `${isDryRun ? 'would change' : 'changed'} ${file}`).join('\n'));
  if (isDryRun) {
    console.log(`would commit and tag v${version} with these notes:\n\n${notes}`);
    return;
  }
  for (const { file, content } of edits) writeFileSync(join(root, file), content);
  git('', 'add', '--', ...edits.map(({ file }) => file));
  git(`release: ${version}\n`, 'commit', '--quiet', '--file=-');
  // Verbatim, because git removes lines that start with `#`, which are headings here.
  git(notes, 'tag', '--annotate', '--cleanup=verbatim', '--file=-', `v${version}`);
  console.log(`committed and tagged v${version}. To publish it, run: git push --follow-tags`);
}

stopWithParent();
try {
  const { values, positionals } = parseArgs({
    options: { 'dry-run': { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const [first, second] = positionals;
  if (first === 'notes' && second !== undefined && positionals.length === 2)
    console.log(releaseNotes(readFileSync(join(root, CHANGELOG), 'utf8'), second));
  else if (first !== undefined && positionals.length === 1) release(first, values['dry-run']);
  else throw new Error('usage: npm run release -- VERSION [--dry-run], or npm run release -- notes VERSION');
} catch (error) {
  console.error(`release: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
