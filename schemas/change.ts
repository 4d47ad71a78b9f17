import * as z from 'zod';
import { ChangeId, EnvironmentName, ServiceName, Version } from './names.ts';
import { InstantIn, plusSeconds, secondsBetween, Timestamp } from './time.ts';

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

const Commit = z.object({
  sha: z.string().min(1).max(256),
  committed_at: InstantIn.nullish().transform((at) => at ?? null),
});

/** CI systems send variables that nobody has set: blank is not told. */
const told = (text: string): string | undefined => (text.trim() === '' ? undefined : text);
const text = (max: number) => z.string().max(max).transform(told).nullish();

const Http = z.url({ protocol: /^https?$/ });
const WebAddress = z
  .string()
  .max(2048)
  .refine((address) => told(address) === undefined || Http.safeParse(address).success, 'Invalid URL: http or https')
  .meta({ format: 'uri' });

const Told = z.strictObject({
  service: ServiceName,
  environment: EnvironmentName,
  version: Version,
  kind: ChangeKind.default('deploy'),
  status: ChangeStatus.default('succeeded'),
  commit: text(256),
  committed_at: InstantIn.nullish(),
  commits: z.array(Commit).max(500).nullish(),
  started_at: InstantIn.nullish(),
  finished_at: InstantIn.nullish(),
  author: text(512),
  url: WebAddress.transform(told).nullish(),
  has_migration: z.boolean().nullish(),
  rollback_safe_to: text(256),
  previous_version: text(256),
  /** Of a canary: the share of the traffic that it gets, 0 to 1. */
  canary_weight: z.number().min(0).max(1).nullish(),
});

/** Why these times cannot be, in words; undefined: they can. Both at the same moment is how an old change is told. */
export function whyNoTimes(startedAt: Timestamp, finishedAt: Timestamp | null | undefined): string | undefined {
  if (finishedAt == null || finishedAt >= startedAt) return undefined;
  return `finished_at (${finishedAt}) is before started_at (${startedAt}); send them as the CD system's own clock has them`;
}

/** So far a clock may be ahead of ours before what it tells is refused: it would be what runs until that time has come. */
export const AHEAD_MAX_SECONDS = 15 * 60;

/** The same of a commit. Its time is that of whoever's machine it was made on, and says nothing of what runs. */
const COMMIT_AHEAD_MAX_SECONDS = 24 * 3600;

type Times = Pick<NewChange, 'committed_at' | 'commits' | 'finished_at'> & Partial<Pick<NewChange, 'started_at'>>;

/** Why these times cannot be yet, in words; undefined: they can. @param now by our own clock */
export function whyAhead(
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
      return `${name} (${at}) is ${spelt(secondsBetween(now, at))} ahead of Firebreak's clock (${now}), and at most ${spelt(max)} are taken for a clock that differs; look at the clock of whatever sends it`;
  return undefined;
}

const spelt = (seconds: number): string =>
  seconds < 2 * 3600 ? `${Math.round(seconds / 60)} minutes` : `${Math.round(seconds / 3600)} hours`;

/** What `POST /v1/deployments` takes. Only service, environment and version are required. */
export const NewChange = Told.superRefine(({ started_at, finished_at }, context) => {
  const message = started_at == null ? undefined : whyNoTimes(started_at, finished_at);
  if (message !== undefined) context.addIssue({ code: 'custom', path: ['finished_at'], message });
});
export type NewChange = z.infer<typeof NewChange>;

/** What `PATCH /v1/deployments/{id}` takes: what is learnt while it rolls out. Identity and start never change. */
export const ChangePatch = Told.pick({
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
  .extend({ status: ChangeStatus.optional() })
  .strict();
export type ChangePatch = z.infer<typeof ChangePatch>;

/** Anything that altered production, as recorded. `null` is "not told". */
export const Change = z.object({
  id: ChangeId,
  service: ServiceName,
  environment: EnvironmentName,
  version: Version,
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
  /** Blank in records of older versions, where it forbade every rollback. */
  rollback_safe_to: z
    .string()
    .nullable()
    .overwrite((version) => (version === null ? null : (told(version) ?? null))),
  previous_version: z.string().nullable(),
  /** Absent in records of older versions. */
  canary_weight: z.number().nullable().default(null),
  /** The incident in which Firebreak or a person rolled this version back; the version is no target any more. */
  rolled_back_by: z.string().nullable(),
  /** The incident for which Firebreak itself made this change. Such a change is never a suspect of that incident. */
  made_for: z.string().nullable(),
  recorded_at: Timestamp,
});
export type Change = z.infer<typeof Change>;
