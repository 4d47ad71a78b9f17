import * as z from 'zod';
import { InstantIn, instantIn, setOrNull, type Timestamp, timestamp } from '../../time/time.ts';
import { type BadAlert, separateBodies } from './bad-alerts.ts';
import {
  ALERTS_MAX,
  type Fault,
  type ParseResult,
  runSteps,
  type Source,
  type SourceAlert,
  type Steps,
} from './parsed.ts';
import { fingerprintOf } from './fingerprint.ts';
import { inputProblemText } from '../../parsing/input-problems.ts';

/** Replaces unpaired surrogates, which JSON can contain but neither UTF-8 nor the stores can. */
export const wellFormed = (text: string): string => text.toWellFormed();

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads any object as a map, so that a label called `__proto__` is a label. */
const textsOf = (kind: string) =>
  z.custom<Record<string, unknown>>(isRecord, `must be an object of names and ${kind}`).transform((record, context) => {
    const texts = textsIn(record);
    if (texts !== undefined) return texts;
    context.addIssue({ code: 'custom', message: 'every value must be text' });
    return z.NEVER;
  });
export const Texts = textsOf('texts');
export const Links = textsOf('http or https URLs');

/** Returns undefined if a value is no string. */
function textsIn(record: Record<string, unknown>): Map<string, string> | undefined {
  const texts = new Map<string, string>();
  for (const name of Object.keys(record)) {
    const text = record[name];
    if (typeof text !== 'string') return undefined;
    texts.set(wellFormed(name), wellFormed(text));
  }
  return texts;
}

/** Longer links are left out, because a cut one leads nowhere. The link of Prometheus contains the rule's expression. */
const URL_MAX_CHARS = 16_384;

/** A text that counts as absent if it is too long: the alert must not be lost for it. */
const orNone = (max: number) => z.string().max(max).nullish().catch(null);

const END_MAX_CHARS = 64;
const FINGERPRINT_MAX_CHARS = 256;

export const GroupAlert = z.object({
  status: z.enum(['firing', 'resolved']),
  labels: Texts,
  annotations: Texts.nullish().transform((texts) => texts ?? new Map<string, string>()),
  startsAt: InstantIn,
  endsAt: orNone(END_MAX_CHARS),
  generatorURL: orNone(URL_MAX_CHARS),
  fingerprint: z
    .string()
    .max(FINGERPRINT_MAX_CHARS)
    .overwrite(wellFormed)
    .nullish()
    .transform((text) => text ?? ''),
  dashboardURL: orNone(URL_MAX_CHARS),
  panelURL: orNone(URL_MAX_CHARS),
});

export type GroupAlert = z.infer<typeof GroupAlert>;

/**
 * Returns what `GroupAlert` returns for an alert as senders write it, in a tenth of the time. Undefined: only the schema can
 * say whether, and why not, it is one.
 */
export function usualAlert(item: unknown): GroupAlert | undefined {
  if (!isRecord(item)) return undefined;
  const { status, fingerprint = '', startsAt: start, annotations: notes } = item;
  if (status !== 'firing' && status !== 'resolved') return undefined;
  if (typeof fingerprint !== 'string' || fingerprint.length > FINGERPRINT_MAX_CHARS) return undefined;
  const startsAt = typeof start === 'string' ? instantIn(start) : undefined;
  const labels = isRecord(item['labels']) ? textsIn(item['labels']) : undefined;
  const annotations = notes == null ? new Map<string, string>() : isRecord(notes) ? textsIn(notes) : undefined;
  if (startsAt === undefined || labels === undefined || annotations === undefined) return undefined;
  return {
    status,
    labels,
    annotations,
    startsAt,
    endsAt: shortText(item['endsAt'], END_MAX_CHARS),
    generatorURL: shortText(item['generatorURL'], URL_MAX_CHARS),
    fingerprint: wellFormed(fingerprint),
    dashboardURL: shortText(item['dashboardURL'], URL_MAX_CHARS),
    panelURL: shortText(item['panelURL'], URL_MAX_CHARS),
  };
}

const shortText = (value: unknown, max: number): string | null | undefined =>
  value === undefined || (typeof value === 'string' && value.length <= max) ? value : null;

const Group = z.object({
  version: z.unknown().optional(),
  alerts: z.array(z.unknown()),
  truncatedAlerts: z.number().int().nonnegative().nullish(),
  groupKey: z.unknown().optional(),
});

/** In UTF-16 units. The key is stored with every alert of the group; a usual one has a few hundred. */
const GROUP_KEY_MAX_CHARS = 2048;

/** Returns how groups of these versions are parsed. */
export const groupFormat = (versions: readonly string[]): Required<Pick<Source, 'parse' | 'steps'>> => ({
  parse: (body, now) => runSteps(groupSteps(body, versions, now)),
  steps: (body, now) => groupSteps(body, versions, now),
});

/**
 * Parses the group payload that Alertmanager (version "4") and Grafana Alerting (version "1") share. The group's own
 * status is ignored: it is computed from the alerts that were kept, and can be wrong. One bad alert does not affect the
 * good ones.
 */
function* groupSteps(body: string, versions: readonly string[], now: () => number): Steps<ParseResult> {
  const json = parseJson(body);
  yield;
  if (!json.ok) return json;
  const group = Group.safeParse(json.value);
  if (!group.success) return fault(422, 'wrong-shape', inputProblemText(group.error));
  const { version, alerts: items, truncatedAlerts } = group.data;
  const ofGroup = { ...storedGroupKey(group.data.groupKey), ...(truncatedAlerts && { leftOut: truncatedAlerts }) };
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
  const receivedAt = timestamp(now());
  const alerts: SourceAlert[] = [];
  const bad: BadAlert[] = [];
  for (const item of items) {
    const usual = usualAlert(item);
    const parsed = usual === undefined ? GroupAlert.safeParse(item) : ({ success: true, data: usual } as const);
    if (parsed.success) alerts.push({ ...toAlert(parsed.data, receivedAt), ...ofGroup });
    else bad.push({ item, detail: inputProblemText(parsed.error) });
    yield;
  }
  const unreadable = separateBodies(bad, json.value, body);
  return { ok: true, parsed: { alerts, unreadable, truncated: truncatedAlerts ?? 0 } };
}

/** Never truncated: other systems know the group by a hash of the key. */
const storedGroupKey = (key: unknown): Pick<SourceAlert, 'groupKey'> =>
  typeof key === 'string' && key !== '' && key.length <= GROUP_KEY_MAX_CHARS && key.isWellFormed()
    ? { groupKey: key }
    : {};

/** An alert without a start, which is the zero time of Go, has one episode at a time, as one of another sender. */
function toAlert(alert: GroupAlert, receivedAt: Timestamp): SourceAlert {
  const { annotations } = alert;
  const dashboard = alert.panelURL ?? alert.dashboardURL;
  if (dashboard && !annotations.has('dashboard') && !annotations.has('dashboard_url'))
    annotations.set('dashboard_url', dashboard);
  const end = alert.status === 'resolved' ? instantIn(alert.endsAt ?? '') : undefined;
  const endsAt = end === undefined ? null : setOrNull(end);
  const start = setOrNull(alert.startsAt);
  return {
    status: alert.status,
    labels: alert.labels,
    annotations,
    startsAt: start ?? endsAt ?? receivedAt,
    endsAt,
    fingerprint: alert.fingerprint || fingerprintOf(alert.labels),
    episodic: start !== null,
    generatorUrl: alert.generatorURL ? alert.generatorURL : null,
  };
}

const versionText = (version: unknown): string =>
  version === undefined ? 'missing' : typeof version === 'string' ? `"${version.slice(0, 64)}"` : 'not a string';

export function parseJson(body: string): { ok: true; value: unknown } | { ok: false; fault: Fault } {
  try {
    return { ok: true, value: JSON.parse(body) as unknown };
  } catch (error) {
    return fault(400, 'not-json', `the body is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export const fault = (status: Fault['status'], code: Fault['code'], detail: string) =>
  ({ ok: false, fault: { status, code, detail } }) as const;
