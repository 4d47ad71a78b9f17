import * as z from 'zod';
import { ChangeId, EnvironmentName, ServiceName, Version } from '../config/names.ts';
import { spelled } from '../parsing/spelled.ts';
import { isUnset, unsetText } from '../parsing/unset.ts';
import { CommitTime, plusSeconds, ReportedOrNull, secondsBetween, Timestamp } from '../time/time.ts';
import { KIND_WORDS, OUTCOME_WORDS, outcomeOf } from './words.ts';

export const ChangeKind = z.enum([
  'deploy',
  'rollback',
  'hotfix',
  'flag',
  'config',
  'migration',
  'infrastructure',
  'experiment',
]);
export type ChangeKind = z.infer<typeof ChangeKind>;

export const ChangeStatus = z.enum(['started', 'succeeded', 'failed', 'cancelled']);
export type ChangeStatus = z.infer<typeof ChangeStatus>;

/** The words for each status: a change that has ended without a word for how has succeeded. */
const STATUS_WORDS = Object.fromEntries(
  OUTCOME_WORDS.flatMap(([word, outcome]) => {
    const { data: status } = ChangeStatus.safeParse(outcome === 'ended' ? 'succeeded' : outcome);
    return status === undefined ? [] : [[word, status] as const];
  }),
);

/** Returns why a word is no status of a change, and what to send instead. */
export function whyNoStatus(word: string): string {
  const outcome = outcomeOf(word);
  if (outcome === 'skipped') return `${quoted(word)} says that nothing was deployed; report only what was`;
  if (outcome === 'waiting') return `${quoted(word)} says that it has not begun; report it when it starts`;
  return `${quoted(word)} is no known status; send one of ${ChangeStatus.options.join(', ')}`;
}

const quoted = (word: string): string => JSON.stringify(word.slice(0, 64));

/** A kind and a status as people and CI systems write them. */
export const WrittenKind = spelled(ChangeKind, KIND_WORDS);
export const WrittenStatus = spelled(
  z.enum(ChangeStatus.options, {
    error: ({ input }) => (typeof input === 'string' ? whyNoStatus(input) : undefined),
  }),
  STATUS_WORDS,
);

const Commit = z.object({
  sha: z.string().min(1).max(256),
  committed_at: CommitTime.nullish().transform((at) => at ?? null),
});

/** CI systems send unset variables as blank text, or as their names, which counts as absent. */
const nonEmpty = (text: string): string | undefined => (text.trim() === '' || isUnset(text) ? undefined : text.trim());
const optionalText = (max: number) => z.string().max(max).transform(nonEmpty).nullish();

/** A blank version would count as the running one, and a rollback to it could not succeed. */
const nonBlank = <T extends z.ZodType<string>>(name: T) =>
  name
    .overwrite((given) => given.trim() as typeof given)
    .refine((given) => given !== '', 'must not be blank; is a variable of the CI system unset?')
    .refine((given) => !isUnset(given), { error: ({ input }) => unsetText(String(input)) });

/** A version without what CI systems write before the name of a tag or a branch: `refs/tags/v2.4.1` is `v2.4.1`. */
export const WrittenVersion = Version.overwrite(
  (written) => written.trim().replace(/^refs\/(?:tags|heads)\/(?=.)/, '') as Version,
);

const Http = z.url({ protocol: /^https?$/ });
const WebAddress = z
  .string()
  .max(2048)
  .refine(
    (address) => nonEmpty(address) === undefined || Http.safeParse(address).success,
    'must be an http or https URL',
  )
  .meta({ format: 'uri' });

/** Maximum length of an author, in UTF-16 code units. */
export const AUTHOR_MAX_CHARS = 512;

const ReportedChange = z.strictObject({
  service: nonBlank(ServiceName),
  environment: nonBlank(EnvironmentName),
  version: nonBlank(WrittenVersion),
  kind: WrittenKind.default('deploy'),
  status: WrittenStatus.default('succeeded'),
  commit: optionalText(256),
  committed_at: CommitTime.nullish(),
  commits: z.array(Commit).max(500).nullish(),
  started_at: ReportedOrNull.nullish(),
  finished_at: ReportedOrNull.nullish(),
  author: optionalText(AUTHOR_MAX_CHARS),
  url: WebAddress.transform(nonEmpty).nullish(),
  has_migration: z.boolean().nullish(),
  rollback_safe_to: optionalText(256),
  previous_version: optionalText(256),
  /** For a canary: its share of the traffic, 0 to 1. */
  canary_weight: z.number().min(0).max(1).nullish(),
});

/**
 * Returns why the times are impossible, or undefined if they are possible. Equal times are valid: old changes are
 * reported like that.
 */
export function whyImpossibleTimes(startedAt: Timestamp, finishedAt: Timestamp | null | undefined): string | undefined {
  if (finishedAt == null || finishedAt >= startedAt) return undefined;
  return `finished_at (${finishedAt}) is before started_at (${startedAt}); send both times from the same clock`;
}

/**
 * Maximum clock skew in seconds. A change further in the future is refused: it would count as the running version until
 * that time.
 */
export const AHEAD_MAX_SECONDS = 15 * 60;

/** Maximum skew of a commit. Its time comes from the developer's machine and does not affect which version runs. */
const COMMIT_AHEAD_MAX_SECONDS = 24 * 3600;

type Times = Pick<NewChange, 'committed_at' | 'commits' | 'finished_at'> & Partial<Pick<NewChange, 'started_at'>>;

/**
 * Returns which time is too far in the future, or undefined if none is. @param now current time of Firebreak's clock
 */
export function whyTooFarAhead(
  { started_at, finished_at, committed_at, commits }: Times,
  now: Timestamp,
): string | undefined {
  const times: [name: string, at: Timestamp | null | undefined, max: number][] = [
    ['started_at', started_at, AHEAD_MAX_SECONDS],
    ['finished_at', finished_at, AHEAD_MAX_SECONDS],
    ['committed_at', committed_at, COMMIT_AHEAD_MAX_SECONDS],
    ...(commits ?? []).map(({ committed_at: at }, n): [string, Timestamp | null, number] => [
      `commits.${n}.committed_at`,
      at,
      COMMIT_AHEAD_MAX_SECONDS,
    ]),
  ];
  for (const [name, at, max] of times)
    if (at != null && at > plusSeconds(now, max))
      return `${name} (${at}) is ${durationText(secondsBetween(now, at))} ahead of Firebreak's clock (${now}); the limit is ${durationText(max)}. Check the clock of the sender`;
  return undefined;
}

const durationText = (seconds: number): string =>
  seconds < 2 * 3600 ? `${Math.round(seconds / 60)} minutes` : `${Math.round(seconds / 3600)} hours`;

/** The body of `POST /v1/deployments`. Only service, environment, and version are required. */
export const NewChange = ReportedChange.superRefine(({ started_at, finished_at }, context) => {
  const message = started_at == null ? undefined : whyImpossibleTimes(started_at, finished_at);
  if (message !== undefined) context.addIssue({ code: 'custom', path: ['finished_at'], message });
});
export type NewChange = z.infer<typeof NewChange>;

/** The body of `PATCH /v1/deployments/{id}`: what becomes known during the rollout. Identity and start never change. */
export const ChangePatch = ReportedChange.pick({
  commit: true,
  committed_at: true,
  commits: true,
  finished_at: true,
  author: true,
  url: true,
  has_migration: true,
  rollback_safe_to: true,
  previous_version: true,
  canary_weight: true,
})
  .extend({ status: WrittenStatus.optional() })
  .strict();
export type ChangePatch = z.infer<typeof ChangePatch>;

/**
 * What a sender deploys under the name of a version: `of` the sender and its object, so that only artifacts with the same `of` are
 * compared; `id` the digest of an image or of an OCI artifact, or the version of a chart, `chart 0.1.4`.
 */
export const Artifact = z.object({
  of: z.string().min(1).max(2200),
  id: z.string().regex(/^(?:sha256:[0-9a-f]{64}|chart [\w.-]{1,32})$/),
});
export type Artifact = z.infer<typeof Artifact>;

/** Maximum number of steps stored per canary. */
export const STEPS_MAX = 20;

/** A recorded change to production. `null` means not reported. */
export const Change = z.object({
  id: ChangeId,
  service: ServiceName,
  environment: EnvironmentName,
  version: Version,
  /**
   * What the deploying system calls the version, if `version` is written otherwise: with the commit, because the name was
   * seen with several, or in another spelling. Absent: `version`.
   */
  reported_version: Version.optional(),
  kind: ChangeKind,
  status: ChangeStatus,
  commit: z.string().nullable(),
  committed_at: Timestamp.nullable(),
  commits: z.array(z.object({ sha: z.string(), committed_at: Timestamp.nullable() })),
  started_at: Timestamp,
  finished_at: Timestamp.nullable(),
  author: z.string().nullable(),
  url: z.string().nullable(),
  has_migration: z.boolean().nullable(),
  /** May be blank in records of older versions, where it forbade every rollback. */
  rollback_safe_to: z
    .string()
    .nullable()
    .overwrite((version) => (version === null ? null : (nonEmpty(version) ?? null))),
  previous_version: z.string().nullable(),
  /** Absent in records of older versions. */
  canary_weight: z.number().nullable().default(null),
  /**
   * The shares that a canary has had, each from a time on, oldest first: one that was reported with the start since then, others since
   * they were reported, by Firebreak's clock. The newest ones. Absent: its share is unknown, or has not been changed.
   */
  canary_steps: z
    .array(z.object({ at: Timestamp, weight: z.number() }))
    .max(STEPS_MAX)
    .optional(),
  /**
   * The incident in which Firebreak or a person rolled this version back; the version is no longer a rollback target.
   */
  rolled_back_by: z.string().nullable(),
  /** The incident for which Firebreak itself made this change. Such a change is never a suspect of that incident. */
  made_for: z.string().nullable(),
  recorded_at: Timestamp,
  /** The system that reported the change by itself. Absent: it was recorded by the API. */
  reported_by: z.string().optional(),
  /**
   * The commit of the repository for deployments, if `commit` is the application's, or, in records that another system has
   * begun, if the application's is not known: then it equals `commit`.
   */
  deploy_commit: z.string().optional(),
  /** What was deployed under the name of the version, if its commit was not known. Absent: not known. */
  artifact: Artifact.optional(),
  /** The system that has observed its failure, if another one has recorded it. */
  ended_by: z.string().optional(),
  /** Text of the annotation that recorded it. Absent: none. */
  note: z.string().optional(),
  /** Tags of the annotation that recorded it. Absent: none. */
  tags: z.array(z.string()).optional(),
  /** W3C trace context of the request that recorded it. Absent: the request had none. */
  traceparent: z.string().optional(),
});
export type Change = z.infer<typeof Change>;
