import * as z from 'zod';
import { isMerge, namesInMessage } from '../../core/domain/changes/commit-message.ts';
import { COMMIT_PATHS_MAX, type Push, PUSH_COMMITS_MAX } from '../../schemas/changes/code.ts';
import { commitTimeOrNull, type Timestamp, WrittenInstant } from '../../schemas/time/time.ts';

export const Name = z.string().min(1).max(1024);
export const Sha = z.string().regex(/^[0-9a-f]{40,64}$/);
const Paths = z.array(z.string()).nullish();

/** What GitHub and GitLab send of a push, beside its repository. */
export const SentPush = z.object({
  ref: Name,
  before: Sha,
  after: Sha,
  commits: z.array(
    z.object({
      id: Sha,
      timestamp: WrittenInstant,
      message: z.string().nullish(),
      added: Paths,
      removed: Paths,
      modified: Paths,
    }),
  ),
});

const BRANCHES = 'refs/heads/';
const isNullCommit = (sha: string): boolean => /^0+$/.test(sha);

/** Returns the branch of a push and its newest commits. Undefined: it is about a tag, or deletes the branch. */
export function branchPush(
  { ref, before, after, commits }: z.infer<typeof SentPush>,
  now: Timestamp,
): Pick<Push, 'branch' | 'before' | 'after' | 'received_at' | 'commits'> | undefined {
  if (!ref.startsWith(BRANCHES) || isNullCommit(after)) return undefined;
  return {
    branch: ref.slice(BRANCHES.length),
    before: isNullCommit(before) ? null : before,
    after,
    received_at: now,
    // The newest commits are last.
    commits: commits.slice(-PUSH_COMMITS_MAX).map(({ id, timestamp, message, added, removed, modified }) => {
      const paths = [...new Set([...(added ?? []), ...(removed ?? []), ...(modified ?? [])])];
      const hasAllPaths = added != null && paths.length <= COMMIT_PATHS_MAX;
      return {
        sha: id,
        committed_at: commitTimeOrNull(timestamp),
        paths: hasAllPaths ? paths : null,
        ...namesInMessage(message ?? ''),
        ...(isMerge(message ?? '') && { is_merge: true as const }),
      };
    }),
  };
}
