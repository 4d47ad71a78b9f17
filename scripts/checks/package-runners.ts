import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFiles } from './files.ts';

/** Matches commands that run a package by its name and download it if needed. */
const RUNNER = /\b(?:npx|bunx|npm (?:exec|x)|pnpm dlx|pnpx|yarn dlx)(?: +-\S+)*(?: +--)? +(\S+)/;

/** Returns whether people copy from a file: documents, examples, and the action. */
const isCopied = (file: string): boolean =>
  !file.startsWith('docs/adr/') &&
  file !== 'CHANGELOG.md' &&
  (/\.(md|ya?ml|sh)$/.test(file) || /(^|\/)Jenkinsfile$/.test(file) || /^(examples|action)\//.test(file));

/**
 * Returns lines that run `firebreak` with a package runner. The package of that name in the registry is not ours: outside a
 * clone, the command would run foreign code, in CI with the credentials of the job. Documents may contain it on a line with
 * the word "clone"; files that are copied to CI never. Also returns lines that run the project's own tools without
 * local/bootstrap.mjs, on whatever Node the machine has.
 */
export function packageRunnerProblems(root: string): string[] {
  return projectFiles(root)
    .filter(isCopied)
    .flatMap((file) =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .flatMap((line, index) => {
          const [found, name = ''] = RUNNER.exec(line) ?? [];
          const at = `${file}:${index + 1}: "${found}"`;
          if (/^(sst|node)$/.test(name)) return [`${at} runs on the Node of the machine: use npm run`];
          if (!/^firebreak\b/.test(name) || (file.endsWith('.md') && /\bclone\b/.test(line))) return [];
          return [`${at} runs a package that is not ours outside a clone`];
        }),
    );
}
