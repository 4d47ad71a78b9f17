import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFiles } from './files.ts';

/** Runs a package by its name, and downloads it where it is not installed. */
const RUNNER = /\b(?:npx|bunx|npm (?:exec|x)|pnpm dlx|pnpx|yarn dlx)(?: +-\S+)*(?: +--)? +firebreak\b/;

/** What people copy from: documents, examples, and the action. */
const isCopied = (file: string): boolean =>
  !file.startsWith('docs/adr/') &&
  file !== 'CHANGELOG.md' &&
  (/\.(md|ya?ml|sh)$/.test(file) || /(^|\/)Jenkinsfile$/.test(file) || /^(examples|action)\//.test(file));

/**
 * Places that tell people to run `firebreak` by a package runner. The registry's package of that name is not ours, so
 * outside a clone that runs somebody else's code, in CI with the credentials of the job. Documents may do so on a line that
 * says "clone"; files that are copied into CI never.
 */
export function packageRunnerProblems(root: string): string[] {
  return projectFiles(root)
    .filter(isCopied)
    .flatMap((file) =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .flatMap((line, index) => {
          const found = RUNNER.exec(line)?.[0];
          if (found === undefined || (file.endsWith('.md') && /\bclone\b/.test(line))) return [];
          return [`${file}:${index + 1}: "${found}" runs a package that is not ours where there is no clone`];
        }),
    );
}
