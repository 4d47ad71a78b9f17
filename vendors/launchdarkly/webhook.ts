import * as z from 'zod';
import type { ChangeReport } from '../../schemas/changes/change-report.ts';
import type { Version } from '../../schemas/config/names.ts';
import { timestamp } from '../../schemas/time/time.ts';
import type { ReadChanges } from '../../core/domain/changes/read-changes.ts';
import { type ReceivedWebhook, unreadable, versionOf, type ChangeSender } from '../shared/change-webhook.ts';
import { keyIn } from './flags.ts';
import { bodyHmac } from '../shared/webhook-signature.ts';

const Settings = z.looseObject({ on: z.boolean().optional(), version: z.number().int().optional() });
type Settings = z.infer<typeof Settings>;
/** A flag has its settings in each environment; a segment is in one environment and has them itself. */
const Versioned = z.looseObject({ environments: z.record(z.string(), Settings).optional(), ...Settings.shape });

/**
 * An entry of LaunchDarkly's audit log, which is the payload of its webhooks.
 *
 * @see https://launchdarkly.com/docs/api/webhooks
 */
const Entry = z.object({
  _id: z.string().min(1).max(128),
  /** Milliseconds since the Unix epoch. */
  date: z.number().int().min(0).max(8.64e15),
  kind: z.string().max(64),
  accesses: z
    .array(z.object({ action: z.string().max(128), resource: z.string().max(2048) }))
    .max(1000)
    .default([]),
  comment: z.string().max(10_000).nullish().catch(undefined),
  member: z.object({ email: z.string().max(512).optional() }).nullish(),
  currentVersion: Versioned.nullish().catch(undefined),
  previousVersion: Versioned.nullish().catch(undefined),
  _links: z.object({ site: z.object({ href: z.string().max(2048) }).optional() }).optional(),
});
type Entry = z.infer<typeof Entry>;

/** What decides which variation is served, in the settings of a flag and of a segment. */
const SERVED = [
  'on',
  'archived',
  'targets',
  'contextTargets',
  'rules',
  'fallthrough',
  'offVariation',
  'prerequisites',
  'salt',
  'included',
  'excluded',
  'includedContexts',
  'excludedContexts',
];

/** What a part of the settings has beside that: identifiers and links (`_id`), texts, and what is only measured. */
const isUnserved = (key: string): boolean =>
  key.startsWith('_') || ['name', 'description', 'ref', 'trackEvents'].includes(key);

/**
 * Actions after which the same variations are served, for entries without the settings: all that concern names, texts,
 * requests, measurements, and other environments. An unknown action counts as a change.
 *
 * @see https://launchdarkly.com/docs (Using role actions)
 */
const SERVES_THE_SAME =
  /(?:Name|Description|Tags|Maintainer|Temporary|Deprecated|CustomProperties|Links?|CodeReferences|TrackEvents|Triggers?|ApprovalRequest|RequiredApproval|ScheduledChanges|FeatureWorkflows|Experiment\w*|Goals|GoalResults|ReleasePipeline|ReleasePhase\w*|FlagAvailability|InSnippet|DefaultVariations|MigrationSettings|RolloutConfiguration|Export|ConfigFrom)$|^(?:create|clone)(?:Flag|Segment)$/;

/** `proj/default;tag:env/production:flag/new-checkout;tag`: each name can have tags. */
const RESOURCE = /^proj\/([^:;]+)(?:;[^:]*)?:env\/([^:;]+)(?:;[^:]*)?:(?:flag\/|(?=segment\/))([^:;]+)/;

const SITE = 'https://app.launchdarkly.com';

export const launchDarklyEntries: ChangeSender = {
  source: 'launchdarkly',
  path: '/integrations/launchdarkly/webhook',
  sends: 'audit log entries of LaunchDarkly',
  // https://launchdarkly.com/docs/api/webhooks#signing-the-webhook
  signature: bodyHmac({ secret: 'LAUNCHDARKLY_WEBHOOK_SECRET', header: 'X-LD-Signature' }),
  read: readLaunchDarklyEntry,
};

/** Reads a webhook of LaunchDarkly: one report for each environment in which a flag can serve other variations. */
export function readLaunchDarklyEntry({ payload }: Pick<ReceivedWebhook, 'payload'>): ReadChanges {
  const parsed = Entry.safeParse(payload);
  if (!parsed.success) return unreadable('audit log entry of LaunchDarkly', parsed.error);
  const entry = parsed.data;
  if (entry.kind !== 'flag' && entry.kind !== 'segment')
    return { ignored: `entries about a resource of kind ${entry.kind} change no flag` };
  const accesses = entry.accesses.map(({ action, resource }) => ({ action, resource: partsOf(resource) }));
  const changed = accesses.flatMap(({ action, resource }) =>
    resource !== null && (servesOther(entry, resource) ?? !SERVES_THE_SAME.test(action)) ? [resource] : [],
  );
  if (changed.length > 0)
    return {
      reports: [...new Map(changed.map((one) => [nameOf(one), one])).values()].map((one) => reportOf(entry, one)),
    };
  if (!accesses.some(({ resource }) => resource !== null))
    return { ignored: 'the entry names no flag in an environment' };
  return { ignored: `${accesses.map(({ action }) => action).join(', ')}: the flag serves the same variations` };
}

/** `flag`: the key of a flag, or `segment/` and the key of a segment. */
type Resource = { project: string; environment: string; flag: string };

function partsOf(resource: string): Resource | null {
  const [, project = '', environment = '', flag = ''] = RESOURCE.exec(resource) ?? [];
  return flag === '' ? null : { project, environment, flag };
}

const nameOf = ({ project, environment, flag }: Resource): string => `${project}/${environment}/${flag}`;

function settingsOf(entry: Entry, { environment }: Resource): (Settings | undefined)[] {
  return [entry.previousVersion, entry.currentVersion].map((version) =>
    entry.kind === 'segment' ? (version ?? undefined) : version?.environments?.[environment],
  );
}

/** Returns whether what is served differs before and after. Null: the entry does not contain it. */
function servesOther(entry: Entry, resource: Resource): boolean | null {
  const [before, after] = settingsOf(entry, resource);
  if (before === undefined || after === undefined) return null;
  if (before.on !== after.on) return true;
  if (before['rules'] === undefined || after['rules'] === undefined) return null;
  const [served, servedAfter] = [
    [entry.previousVersion, before],
    [entry.currentVersion, after],
  ].map(([version, settings]) =>
    JSON.stringify(
      [version?.['variations'], version?.['archived'], ...SERVED.map((key) => settings?.[key])],
      (key, value: unknown) => (isUnserved(key) ? undefined : value),
    ),
  );
  return served !== servedAfter;
}

function reportOf(entry: Entry, resource: Resource): ChangeReport {
  const { project, environment, flag } = resource;
  const at = timestamp(entry.date);
  const [previous, current] = settingsOf(entry, resource);
  const isToggled = current?.on !== undefined && current.on !== previous?.on;
  const action = keyIn(entry.comment ?? '');
  const href = entry._links?.site?.href;
  return {
    source: 'launchdarkly',
    key: `${entry._id} ${nameOf(resource)}`,
    at,
    subject: { flag: `${project}/${flag}`, ...(environment !== '*' && { environment }) },
    kind: 'flag',
    status: 'succeeded',
    version: flagVersion(flag, current?.version ?? entry._id, isToggled ? current.on : undefined),
    ...(previous?.version !== undefined && { previous_version: flagVersion(flag, previous.version, undefined) }),
    started_at: at,
    ...(action !== undefined && { action }),
    ...(entry.member?.email && { author: entry.member.email }),
    ...(href?.startsWith('/') === true && !href.startsWith('//') && { url: `${SITE}${href}` }),
  };
}

/** LaunchDarkly counts the versions of a flag in each environment. */
const flagVersion = (flag: string, number: number | string, on: boolean | undefined): Version =>
  versionOf(`${flag.slice(0, 200)} ${number}${on === undefined ? '' : on ? ' (on)' : ' (off)'}`);
