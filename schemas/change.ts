import { z } from 'zod';
import { ChangeId, EnvironmentName, ServiceName, Version } from './names.ts';
import { InstantIn, Timestamp } from './time.ts';

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

const Told = z.strictObject({
  service: ServiceName,
  environment: EnvironmentName,
  version: Version,
  kind: ChangeKind.default('deploy'),
  status: ChangeStatus.default('succeeded'),
  commit: z.string().max(256).nullish(),
  committed_at: InstantIn.nullish(),
  commits: z.array(Commit).max(500).nullish(),
  started_at: InstantIn.nullish(),
  finished_at: InstantIn.nullish(),
  author: z.string().max(512).nullish(),
  url: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .nullish(),
  has_migration: z.boolean().nullish(),
  rollback_safe_to: z.string().max(256).nullish(),
  previous_version: z.string().max(256).nullish(),
  /** Of a canary: the share of the traffic that it gets, 0 to 1. */
  canary_weight: z.number().min(0).max(1).nullish(),
});

/** Why these times cannot be, in words; undefined: they can. Both at the same moment is how an old change is told. */
export function whyNoTimes(startedAt: Timestamp, finishedAt: Timestamp | null | undefined): string | undefined {
  if (finishedAt == null || finishedAt >= startedAt) return undefined;
  return `finished_at (${finishedAt}) is before started_at (${startedAt}); send them as the CD system's own clock has them`;
}

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
  rollback_safe_to: z.string().nullable(),
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
