import { hash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import type { ChangeReport } from '../../schemas/changes/change-report.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { ReadChanges } from '../../core/domain/changes/read-changes.ts';
import { type ReceivedWebhook, unreadable, versionOf, type ChangeSender } from '../shared/change-webhook.ts';
import { bodyHmac } from '../shared/webhook-signature.ts';

const Flag = z.looseObject({
  disable: z.boolean().nullish(),
  defaultRule: z.looseObject({ variation: z.string().max(512).nullish() }).nullish(),
});
type Flag = z.infer<typeof Flag>;

const Name = z.string().min(1).max(512);
const flagEntries = <T extends z.ZodType>(value: T) =>
  z
    .record(Name, value)
    .nullish()
    .transform((record) => Object.entries(record ?? {}));

/**
 * The payload of the webhook notifier of GO Feature Flag, the flag service of an OpenFeature provider. It names neither
 * the time nor the author. `meta` is what its configuration says, and the name of the host.
 *
 * @see https://gofeatureflag.org/docs/integrations/notify-flags-changes/webhook
 */
const Notification = z.object({
  meta: z.record(z.string(), z.string().max(512)).default({}),
  flags: z.object({
    deleted: flagEntries(Flag),
    added: flagEntries(Flag),
    updated: flagEntries(z.object({ old_value: Flag, new_value: Flag })),
  }),
});

/** Fields that do not influence which variation users get. */
const NOT_SERVED = ['metadata', 'trackEvents', 'version'] as const;

export const goFeatureFlagNotifications: ChangeSender = {
  source: 'flags',
  path: '/integrations/go-feature-flag/webhook',
  sends: 'notifications of GO Feature Flag',
  // https://gofeatureflag.org/docs/integrations/notify-flags-changes/webhook#signature
  signature: bodyHmac({
    secret: 'GO_FEATURE_FLAG_WEBHOOK_SECRET',
    header: 'X-Hub-Signature-256',
    prefix: 'sha256=',
  }),
  read: readGoFeatureFlag,
};

/**
 * Reads a notification: one report for each flag that serves other variations. Each instance of the relay proxy sends
 * the same notification, so the key of a report is the new state of its flag.
 */
export function readGoFeatureFlag({ payload, now }: Pick<ReceivedWebhook, 'payload' | 'now'>): ReadChanges {
  const parsed = Notification.safeParse(payload);
  if (!parsed.success) return unreadable('notification of GO Feature Flag', parsed.error);
  const { deleted, added, updated } = parsed.data.flags;
  const changed = updated.flatMap(([name, { old_value: before, new_value: after }]) =>
    isDeepStrictEqual(servedFields(before), servedFields(after)) ? [] : [[name, after] as const],
  );
  const states: (readonly [string, Flag | null])[] = [
    ...added,
    ...changed,
    ...deleted.map(([name]) => [name, null] as const),
  ];
  if (states.length === 0) return { ignored: 'no flag serves other variations' };
  return { reports: states.map(([name, state]) => reportOf(name, state, { meta: parsed.data.meta, now })) };
}

/** @param state null: the flag was deleted */
function reportOf(
  name: string,
  state: Flag | null,
  { meta: { project, environment }, now }: { meta: Record<string, string>; now: Timestamp },
): ChangeReport {
  const flag = project ? `${project}/${name}` : name;
  const object = [environment, flag].filter(Boolean).join(' ');
  const content = state === null ? 'deleted' : hash('sha256', JSON.stringify(sorted(servedFields(state)))).slice(0, 8);
  return {
    source: 'flags',
    key: `${object} ${content}`,
    object,
    at: now,
    subject: { flag, ...(environment && { environment }) },
    kind: 'flag',
    status: 'succeeded',
    final: true,
    version: versionOf(`${name.slice(0, 200)} ${stateText(state)}${state === null ? '' : ` (${content})`}`),
    started_at: now,
  };
}

function stateText(state: Flag | null): string {
  if (state === null) return 'deleted';
  if (state.disable === true) return 'off';
  const variation = state.defaultRule?.variation;
  return variation ? `on: ${variation.slice(0, 32)}` : 'on';
}

const servedFields = (flag: Flag): object =>
  Object.fromEntries(Object.entries(flag).filter(([field]) => !(NOT_SERVED as readonly string[]).includes(field)));

/** Returns the value with its keys in a fixed order, because that of a map of Go is not. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => [key, sorted(field)]),
  );
}
