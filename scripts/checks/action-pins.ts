import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFiles } from './files.ts';

/** A step or a called workflow of GitHub Actions: `uses: owner/repository[/path]@reference`, or a container image. */
const USES = /(?:^|[\s{,])["']?uses["']?:\s*["']?([\w.-]+\/[^\s"'#,}]+|docker:\/\/[^\s"'#,}]+)[^#]*(#.*)?$/;

const COMMIT = /@[0-9a-f]{40}$/;
const IMAGE = /@sha256:[0-9a-f]{64}$/;

/** Workflows and actions, and documents and examples that people copy them from. */
const isRead = (file: string): boolean => /\.(ya?ml|md)$/.test(file) && file !== 'CHANGELOG.md';

/**
 * Actions that are not pinned to a commit, or do not say which version that is. A tag can be moved, and what it names then
 * runs with the credentials of the job.
 */
export function actionPinProblems(root: string): string[] {
  return projectFiles(root)
    .filter(isRead)
    .flatMap((file) =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .flatMap((line, index) => {
          const [, used, comment] = USES.exec(line) ?? [];
          // Another file of the same repository is pinned with it. Steps of runbooks name their kind, without a slash.
          if (used === undefined || used.startsWith('./')) return [];
          const at = `${file}:${index + 1}: ${used}`;
          if (!COMMIT.test(used) && !IMAGE.test(used))
            return [`${at} is not pinned; name a full commit, as owner/name@SHA # v1.2.3`];
          return comment === undefined ? [`${at} does not say its version; add it as a comment, # v1.2.3`] : [];
        }),
    );
}
