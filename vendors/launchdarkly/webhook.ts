import * as z from 'zod';
import type { ChangeReport } from '../../schemas/changes/change-report.ts';
import type { Version } from '../../schemas/config/names.ts';
import { timestamp } from '../../schemas/time/time.ts';
import type { ReadChanges } from '../../core/domain/changes/read-changes.ts';
import { type ReceivedWebhook, unreadable, versionOf, type ChangeSender } from '../shared/change-webhook.ts';
import { keyIn } from './flags.ts';
import { bodyHmac } from '../shared/webhook-signature.ts';

const InEnvironment = z.object({ on: z.boolean().optional(), version: z.number().int().optional() });
const Flag = z.object({ environments: z.record(z.string(), InEnvironment).optional() });

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
  currentVersion: Flag.nullish().catch(undefined),
  previousVersion: Flag.nullish().catch(undefined),
  _links: z.object({ site: z.object({ href: z.string().max(2048) }).optional() }).optional(),
});
type Entry = z.infer<typeof Entry>;

/** Actions after which an environment can serve other variations. Others change names, tags, or settings of its page. */
const SERVING_ACTIONS = new Set([
  'deleteFlag',
  'updateOn',
  'updateFallthrough',
  'updateFallthroughWithMeasuredRollout',
  'updateFlagVariations',
  'updateGlobalArchived',
  'updateOffVariation',
  'updatePrerequisites',
  'updateRules',
  'updateRulesWithMeasuredRollout',
  'updateTargets',
]);

/** `proj/default;tag:env/production:flag/new-checkout;tag`: each name can have tags. */
const RESOURCE = /^proj\/([^:;]+)(?:;[^:]*)?:env\/([^:;]+)(?:;[^:]*)?:flag\/([^:;]+)/;

const SITE = 'https://app.launchdarkly.com';

export const launchDarklyEntries: ChangeSender = {
  source: 'launchdarkly',
  path: '/integrations/launchdarkly/webhook',
  sends: 'audit log entries of LaunchDarkly',
  // https://launchdarkly.com/docs/api/webhooks#signing-the-webhook
  signature: bodyHmac({ secret: 'LAUNCHDARKLY_WEBHOOK_SECRET', header: 'X-LD-Signature' }),
  read: readLaunchDarklyEntry,
};

/** Reads a webhook of LaunchDarkly: one report for each environment in which the flag serves other variations. */
export function readLaunchDarklyEntry({ payload }: Pick<ReceivedWebhook, 'payload'>): ReadChanges {
  const parsed = Entry.safeParse(payload);
  if (!parsed.success) return unreadable('audit log entry of LaunchDarkly', parsed.error);
  const entry = parsed.data;
  if (entry.kind !== 'flag') return { ignored: `entries about a resource of kind ${entry.kind} change no flag` };
  const relevant = entry.accesses.filter(({ action }) => SERVING_ACTIONS.has(action));
  if (relevant.length === 0)
    return { ignored: `${entry.accesses.map(({ action }) => action).join(', ')}: the flag serves the same variations` };
  const resources = new Map(relevant.flatMap(({ resource }) => partsOf(resource)));
  if (resources.size === 0) return { ignored: 'the entry names no flag in an environment' };
  return { reports: [...resources.values()].map((resource) => reportOf(entry, resource)) };
}

type Resource = { project: string; environment: string; flag: string };

function partsOf(resource: string): [string, Resource][] {
  const [, project = '', environment = '', flag = ''] = RESOURCE.exec(resource) ?? [];
  return flag === '' ? [] : [[`${project}/${environment}/${flag}`, { project, environment, flag }]];
}

function reportOf(entry: Entry, { project, environment, flag }: Resource): ChangeReport {
  const at = timestamp(entry.date);
  const [current, previous] = [entry.currentVersion, entry.previousVersion].map(
    (version) => version?.environments?.[environment],
  );
  const isToggled = current?.on !== undefined && current.on !== previous?.on;
  const action = keyIn(entry.comment ?? '');
  const href = entry._links?.site?.href;
  return {
    source: 'launchdarkly',
    key: `${entry._id} ${project}/${environment}/${flag}`,
    at,
    subject: { flag: `${project}/${flag}`, environment },
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
