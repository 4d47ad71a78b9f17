import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFiles } from './files.ts';

/** Matches a step or a reusable workflow of GitHub Actions: `uses: owner/repository[/path]@reference`, or a container image. */
const USES = /(?:^|[\s{,])["']?uses["']?:\s*["']?([\w.-]+\/[^\s"'#,}]+|docker:\/\/[^\s"'#,}]+)[^#]*(#.*)?$/;

const COMMIT = /@[0-9a-f]{40}$/;
const IMAGE = /@sha256:[0-9a-f]{64}$/;

/** Returns whether a file is a workflow or an action, or a document or example from which people copy them. */
const isChecked = (file: string): boolean => /\.(ya?ml|md)$/.test(file) && file !== 'CHANGELOG.md';

/**
 * Returns actions that are not pinned to a commit, or whose version is missing in a comment. A tag can be moved to code that
 * then runs with the credentials of the job.
 */
export function actionPinProblems(root: string): string[] {
  return projectFiles(root)
    .filter(isChecked)
    .flatMap((file) =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .flatMap((line, index) => {
          const [, used, comment] = USES.exec(line) ?? [];
          // Files of the same repository need no pin. `uses` of a runbook's step has no slash, so it does not match.
          if (used === undefined || used.startsWith('./')) return [];
          const at = `${file}:${index + 1}: ${used}`;
          if (!COMMIT.test(used) && !IMAGE.test(used))
            return [`${at} is not pinned; use a full commit, such as owner/name@SHA # v1.2.3`];
          return comment === undefined ? [`${at} has no version; add it as a comment, such as # v1.2.3`] : [];
        }),
    );
}
