import * as z from 'zod';
import { InstantIn } from '../../time/time.ts';
import { type BadAlert, separateBodies } from './bad-alerts.ts';
import { ALERTS_MAX, type Fault, type ParseResult, type SourceAlert } from './parsed.ts';

/** Replaces unpaired surrogates, which JSON can contain but neither UTF-8 nor the stores can. */
export const wellFormed = (text: string): string => text.toWellFormed();

/** Reads any object as a map, so that a label called `__proto__` is a label. */
export const Texts = z
  .custom<Record<string, unknown>>((value) => typeof value === 'object' && value !== null && !Array.isArray(value))
  .transform((record, context) => {
    const entries = Object.entries(record);
    if (entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) {
      return new Map(entries.map(([name, text]) => [wellFormed(name), wellFormed(text)]));
    }
    context.addIssue({ code: 'custom', message: 'every value must be a string' });
    return z.NEVER;
  });

/** Alertmanager writes the year 1 for "no end yet". */
const NO_END = /^0001-01-01T/;

const GroupAlert = z.object({
  status: z.enum(['firing', 'resolved']),
  labels: Texts,
  annotations: Texts.nullish().transform((texts) => texts ?? new Map<string, string>()),
  startsAt: InstantIn,
  endsAt: z.string().nullish(),
  generatorURL: z.string().nullish(),
  fingerprint: z.string().min(1).max(256).overwrite(wellFormed),
  dashboardURL: z.string().nullish(),
  panelURL: z.string().nullish(),
});

const Group = z.object({
  version: z.unknown().optional(),
  alerts: z.array(z.unknown()),
  truncatedAlerts: z.number().int().nonnegative().nullish(),
  groupKey: z.unknown().optional(),
});

/** In UTF-16 units. The key is stored with every alert of the group; a usual one has a few hundred. */
const GROUP_KEY_MAX_CHARS = 2048;

/**
 * Parses the group payload that Alertmanager (version "4") and Grafana Alerting (version "1") share. The group's own
 * status is ignored: it is computed from the alerts that were kept, and can be wrong. One bad alert does not affect the
 * good ones.
 */
export function parseGroup(body: string, versions: readonly string[]): ParseResult {
  const json = parseJson(body);
  if (!json.ok) return json;
  const group = Group.safeParse(json.value);
  if (!group.success) return fault(422, 'wrong-shape', z.prettifyError(group.error));
  const { version, alerts: items, truncatedAlerts } = group.data;
  const groupKey = storedGroupKey(group.data.groupKey);
  if (typeof version !== 'string' || !versions.includes(version)) {
    return fault(
      422,
      'unknown-version',
      `version is ${versionText(version)}; this receiver reads ${versions.map((known) => `"${known}"`).join(' and ')}`,
    );
  }
  if (items.length > ALERTS_MAX) {
    return fault(
      413,
      'too-many-alerts',
      `${items.length} alerts in one request; the limit is ${ALERTS_MAX}. Set max_alerts, or group by more labels`,
    );
  }
  const alerts: SourceAlert[] = [];
  const bad: BadAlert[] = [];
  for (const item of items) {
    const parsed = GroupAlert.safeParse(item);
    if (parsed.success) alerts.push({ ...toAlert(parsed.data), ...groupKey });
    else bad.push({ item, detail: z.prettifyError(parsed.error) });
  }
  const unreadable = separateBodies(bad, json.value, body);
  return { ok: true, parsed: { alerts, unreadable, truncated: truncatedAlerts ?? 0 } };
}

/** Never truncated: other systems know the group by a hash of the key. */
const storedGroupKey = (key: unknown): Pick<SourceAlert, 'groupKey'> =>
  typeof key === 'string' && key !== '' && key.length <= GROUP_KEY_MAX_CHARS && key.isWellFormed()
    ? { groupKey: key }
    : {};

function toAlert(alert: z.infer<typeof GroupAlert>): SourceAlert {
  const annotations = new Map(alert.annotations);
  const dashboard = alert.panelURL ?? alert.dashboardURL;
  if (dashboard && !annotations.has('dashboard') && !annotations.has('dashboard_url'))
    annotations.set('dashboard_url', dashboard);
  const ends = alert.endsAt && !NO_END.test(alert.endsAt) ? InstantIn.safeParse(alert.endsAt) : undefined;
  return {
    status: alert.status,
    labels: alert.labels,
    annotations,
    startsAt: alert.startsAt,
    endsAt: alert.status === 'resolved' && ends?.success ? ends.data : null,
    fingerprint: alert.fingerprint,
    episodic: true,
    generatorUrl: alert.generatorURL ? alert.generatorURL : null,
  };
}

const versionText = (version: unknown): string =>
  version === undefined ? 'missing' : typeof version === 'string' ? `"${version.slice(0, 64)}"` : 'not a string';

export function parseJson(body: string): { ok: true; value: unknown } | { ok: false; fault: Fault } {
  try {
    return { ok: true, value: JSON.parse(body) as unknown };
  } catch (error) {
    return fault(400, 'not-json', error instanceof Error ? error.message : 'the body is not JSON');
  }
}

export const fault = (status: Fault['status'], code: Fault['code'], detail: string) =>
  ({ ok: false, fault: { status, code, detail } }) as const;
