import * as z from 'zod';
import { revertedBy } from '../../core/domain/changes/code.ts';
import type { PullRequestReport, Push } from '../../schemas/changes/code.ts';
import { type Timestamp, WrittenInstant } from '../../schemas/time/time.ts';
import { branchPush, Name, SentPush, Sha } from '../shared/push.ts';
import { GitlabProject } from './changes.ts';
import { truncated } from '../../schemas/parsing/text.ts';

/** @see https://docs.gitlab.com/user/project/integrations/webhook_events/#push-events */
export const PushEvent = SentPush.extend({
  object_kind: z.literal('push'),
  /** GitLab sends at most 20 commits. */
  total_commits_count: z.number().int(),
  project: GitlabProject.extend({ default_branch: Name.nullish() }),
});

/** Returns the push to a branch. Undefined: it deletes the branch. */
export function pushOf(event: z.infer<typeof PushEvent>, now: Timestamp): Push | undefined {
  const { commits, project, total_commits_count: total } = event;
  const push = branchPush(event, now);
  return (
    push && {
      forge: 'gitlab',
      repository: project.path_with_namespace.toLowerCase(),
      ...(project.default_branch != null && { default_branch: project.default_branch }),
      ...push,
      truncated: total > commits.length,
    }
  );
}

/** @see https://docs.gitlab.com/user/project/integrations/webhook_events/#merge-request-events */
export const MergeRequestEvent = z.object({
  object_kind: z.literal('merge_request'),
  user: z.object({ id: z.number().int().nullish(), username: Name }),
  project: GitlabProject,
  labels: z.array(z.object({ title: z.string() })).nullish(),
  object_attributes: z.object({
    iid: z.number().int(),
    title: z.string(),
    description: z.string().nullish(),
    url: z.string().max(2048).nullish(),
    author_id: z.number().int().nullish(),
    source_branch: Name,
    target_branch: Name,
    state: z.string(),
    action: z.string().nullish(),
    draft: z.boolean().nullish(),
    created_at: WrittenInstant,
    updated_at: WrittenInstant,
    merge_commit_sha: Sha.nullish(),
    squash_commit_sha: Sha.nullish(),
    last_commit: z.object({ id: Sha }).nullish(),
  }),
});

const TITLE_MAX_CHARS = 512;
const LABELS_MAX = 50;
const REVIEW_ACTIONS: readonly (string | null | undefined)[] = ['approved', 'approval', 'unapproved', 'unapproval'];

/** Returns what the event says. GitLab names no time of the merge: it is that of the event. */
export function mergeRequestOf({
  user,
  project,
  labels,
  object_attributes: attributes,
}: z.infer<typeof MergeRequestEvent>): PullRequestReport {
  const isAuthor = user.id != null && user.id === attributes.author_id;
  const isMerged = attributes.state === 'merged';
  return {
    forge: 'gitlab',
    repository: project.path_with_namespace.toLowerCase(),
    number: attributes.iid,
    title: truncated(attributes.title, TITLE_MAX_CHARS),
    url: attributes.url ?? null,
    author: isAuthor ? user.username : null,
    base: attributes.target_branch,
    head: attributes.source_branch,
    labels: (labels ?? []).slice(0, LABELS_MAX).map(({ title }) => title),
    draft: attributes.draft ?? false,
    opened_at: attributes.created_at,
    merged_at: isMerged ? attributes.updated_at : null,
    closed_at: attributes.state === 'closed' ? attributes.updated_at : null,
    merge_commit: isMerged
      ? (attributes.merge_commit_sha ?? attributes.squash_commit_sha ?? attributes.last_commit?.id ?? null)
      : null,
    reverts: revertedBy(attributes.title, attributes.description ?? ''),
    updated_at: attributes.updated_at,
    review:
      REVIEW_ACTIONS.includes(attributes.action) && !isAuthor
        ? { at: attributes.updated_at, approves: attributes.action === 'approved' || attributes.action === 'approval' }
        : null,
  };
}
