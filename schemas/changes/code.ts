import * as z from 'zod';
import { Timestamp } from '../time/time.ts';

const Forge = z.enum(['github', 'gitlab']);
export type Forge = z.infer<typeof Forge>;

/** Limits of a stored push. What exceeds them is cut, and the push says so. */
export const PUSH_COMMITS_MAX = 500;
export const COMMIT_PATHS_MAX = 50;

export const PushedCommit = z.object({
  sha: z.string(),
  committed_at: Timestamp.nullable(),
  /** Files that it changes. Null: too many, or not known. */
  paths: z.array(z.string()).nullable(),
  /** What its message names: images with a tag or a digest, and commits of other repositories. Absent: nothing. */
  names: z
    .object({
      images: z.array(z.string()),
      commits: z.array(z.object({ repository: z.string(), commit: z.string() })),
    })
    .optional(),
  /** By its message, it only merges others. */
  is_merge: z.literal(true).optional(),
});
export type PushedCommit = z.infer<typeof PushedCommit>;

/** A push to a branch. */
export const Push = z.object({
  forge: Forge,
  /** Path of the repository, in lowercase. */
  repository: z.string(),
  /** Name of the branch, without `refs/heads/`. */
  branch: z.string(),
  /** Default branch of the repository. Absent: not known. */
  default_branch: z.string().optional(),
  /** The commit before the push. Null: the push created the branch. */
  before: z.string().nullable(),
  after: z.string(),
  /** When Firebreak received it: forges do not say when it happened. */
  received_at: Timestamp,
  /** Oldest first. */
  commits: z.array(PushedCommit),
  /** Not all of its commits are known. */
  truncated: z.boolean(),
});
export type Push = z.infer<typeof Push>;

/** A pull request, or a merge request of GitLab. */
export const PullRequest = z.object({
  forge: Forge,
  /** Path of the repository, in lowercase. */
  repository: z.string(),
  number: z.number().int(),
  title: z.string(),
  url: z.string().nullable(),
  author: z.string().nullable(),
  /** Branch that it is merged into, and the branch that it merges. */
  base: z.string(),
  head: z.string(),
  labels: z.array(z.string()),
  draft: z.boolean(),
  opened_at: Timestamp,
  /** First review by someone other than the author. */
  first_review_at: Timestamp.nullable(),
  approved_at: Timestamp.nullable(),
  merged_at: Timestamp.nullable(),
  /** Closed without a merge. */
  closed_at: Timestamp.nullable(),
  /** The commit on the base branch after the merge. */
  merge_commit: z.string().nullable(),
  /** The pull request or the commit that it reverts. */
  reverts: z.object({ number: z.number().int().nullable(), commit: z.string().nullable() }).nullable(),
  /** The sender's time of the newest event. */
  updated_at: Timestamp,
});
export type PullRequest = z.infer<typeof PullRequest>;

/** What one event says about a pull request. Reviews come in events of their own. */
export type PullRequestReport = Omit<PullRequest, 'first_review_at' | 'approved_at'> & {
  review: { at: Timestamp; approves: boolean } | null;
};

/** What is needed of a merged pull request to recognize rework. */
export const MergedPullRequest = PullRequest.pick({
  repository: true,
  number: true,
  title: true,
  head: true,
  labels: true,
  reverts: true,
}).extend({ merged_at: Timestamp, merge_commit: z.string() });
export type MergedPullRequest = z.infer<typeof MergedPullRequest>;

export const Release = z.object({
  forge: Forge,
  repository: z.string(),
  tag: z.string(),
  name: z.string().nullable(),
  prerelease: z.boolean(),
  /** Branch or commit from which the tag was made. */
  target: z.string().nullable(),
  published_at: Timestamp,
});
export type Release = z.infer<typeof Release>;
