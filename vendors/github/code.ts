import * as z from 'zod';
import { revertedBy } from '../../core/domain/changes/code.ts';
import { type PullRequestReport, type Push, PUSH_COMMITS_MAX, type Release } from '../../schemas/changes/code.ts';
import { InstantIn, type Timestamp } from '../../schemas/time/time.ts';
import { branchPush, Name, SentPush, Sha } from '../shared/push.ts';
import { truncated } from '../../schemas/parsing/text.ts';

const Account = z.object({ login: Name, type: z.string().nullish() });
const Repository = z.object({ full_name: Name });

/** @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#push */
export const PushEvent = SentPush.extend({
  deleted: z.boolean().nullish(),
  repository: Repository.extend({ default_branch: Name.nullish() }),
});

/** Returns the push to a branch. Undefined: it is about a tag, or deletes the branch. */
export function pushOf(event: z.infer<typeof PushEvent>, now: Timestamp): Push | undefined {
  const { commits, repository } = event;
  const push = event.deleted === true ? undefined : branchPush(event, now);
  return (
    push && {
      forge: 'github',
      repository: repository.full_name.toLowerCase(),
      ...(repository.default_branch != null && { default_branch: repository.default_branch }),
      ...push,
      truncated: commits.length > PUSH_COMMITS_MAX || commits.length >= GITHUB_COMMITS_MAX,
    }
  );
}

/** GitHub's limit for the commits in a push event. */
const GITHUB_COMMITS_MAX = 2048;

const PullRequestState = z.object({
  number: z.number().int(),
  title: z.string(),
  body: z.string().nullish(),
  html_url: z.string().max(2048).nullish(),
  user: Account.nullish(),
  base: z.object({ ref: Name }),
  head: z.object({ ref: Name }),
  labels: z.array(z.object({ name: z.string() })).nullish(),
  draft: z.boolean().nullish(),
  created_at: InstantIn,
  updated_at: InstantIn,
  closed_at: InstantIn.nullish(),
  merged_at: InstantIn.nullish(),
  merge_commit_sha: Sha.nullish(),
});

/**
 * A pull request, or a review of it.
 *
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request_review
 */
export const PullRequestEvent = z.object({
  pull_request: PullRequestState,
  review: z.object({ user: Account.nullish(), state: z.string(), submitted_at: InstantIn.nullish() }).nullish(),
  repository: Repository,
});

const TITLE_MAX_CHARS = 512;
const LABELS_MAX = 50;

export function pullRequestOf({
  pull_request: pull,
  review,
  repository,
}: z.infer<typeof PullRequestEvent>): PullRequestReport {
  const countsAsReview =
    review?.submitted_at != null &&
    review.user?.login !== pull.user?.login &&
    review.user?.type !== 'Bot' &&
    review.state.toLowerCase() !== 'dismissed';
  return {
    forge: 'github',
    repository: repository.full_name.toLowerCase(),
    number: pull.number,
    title: truncated(pull.title, TITLE_MAX_CHARS),
    url: pull.html_url ?? null,
    author: pull.user?.login ?? null,
    base: pull.base.ref,
    head: pull.head.ref,
    labels: (pull.labels ?? []).slice(0, LABELS_MAX).map(({ name }) => name),
    draft: pull.draft ?? false,
    opened_at: pull.created_at,
    merged_at: pull.merged_at ?? null,
    closed_at: pull.closed_at ?? null,
    merge_commit: pull.merge_commit_sha ?? null,
    reverts: revertedBy(pull.title, pull.body ?? ''),
    updated_at: pull.updated_at,
    review:
      countsAsReview && review.submitted_at != null
        ? { at: review.submitted_at, approves: review.state.toLowerCase() === 'approved' }
        : null,
  };
}

/** @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#release */
export const ReleaseEvent = z.object({
  release: z.object({
    tag_name: Name,
    name: z.string().nullish(),
    prerelease: z.boolean(),
    target_commitish: z.string().max(1024).nullish(),
    published_at: InstantIn,
  }),
  repository: Repository,
});

export const releaseOf = ({ release, repository }: z.infer<typeof ReleaseEvent>): Release => ({
  forge: 'github',
  repository: repository.full_name.toLowerCase(),
  tag: release.tag_name,
  name: release.name == null ? null : truncated(release.name, TITLE_MAX_CHARS),
  prerelease: release.prerelease,
  target: release.target_commitish ?? null,
  published_at: release.published_at,
});
