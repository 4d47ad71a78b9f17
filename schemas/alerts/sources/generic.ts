import * as z from 'zod';
import { EnvironmentName, ServiceName } from '../../config/names.ts';
import { cutText } from '../../parsing/text.ts';
import { spelled } from '../../parsing/spelled.ts';
import { InstantOrNull, timestamp } from '../../time/time.ts';
import { fault, Links, parseJson, Texts, wellFormed } from './group.ts';
import type { ParseResult, Source, SourceAlert } from './parsed.ts';
import { inputProblemText } from '../../parsing/input-problems.ts';

/** Longer titles are cut, because an alert must not be lost for the length of its text. */
const TITLE_MAX_CHARS = 4096;

/** Reads a key that is null or has only blanks as absent: scripts send both for what they do not know. */
const orAbsent = <T extends z.ZodType>(type: T) =>
  z
    .preprocess(
      (value) => (value === null || (typeof value === 'string' && value.trim() === '') ? undefined : value),
      type.optional(),
    )
    .optional();

/** Senders other than Alertmanager and Grafana: synthetic monitors, customer reports, scripts. */
export const GenericAlert = z.strictObject({
  service: ServiceName,
  /** Absent: that of the service, as for other alerts. */
  environment: orAbsent(EnvironmentName),
  severity: z.string().max(64),
  title: z.string().min(1).pipe(cutText(TITLE_MAX_CHARS)),
  /** Identifies the alert: resolves what it fired. */
  dedup_key: z.string().min(1).max(512).overwrite(wellFormed),
  status: spelled(z.enum(['firing', 'resolved'])),
  /** When the episode began. Absent: the sender has no episodes, and each key has one at a time. */
  starts_at: orAbsent(InstantOrNull),
  links: orAbsent(Links),
  labels: orAbsent(Texts),
});

export const generic: Source<'generic'> = { name: 'generic', parse: parseGeneric };

function parseGeneric(body: string, now: () => number): ParseResult {
  const json = parseJson(body);
  if (!json.ok) return json;
  const parsed = GenericAlert.safeParse(json.value);
  if (!parsed.success) return fault(422, 'wrong-shape', inputProblemText(parsed.error));
  const { service, environment, severity, title, dedup_key, status, starts_at, links, labels } = parsed.data;
  const alert: SourceAlert = {
    status,
    labels: new Map([...(labels ?? []), ...Object.entries({ service, ...(environment && { environment }), severity })]),
    annotations: new Map([...(links ?? []), ['summary', title]]),
    startsAt: starts_at ?? timestamp(now()),
    endsAt: status === 'resolved' ? timestamp(now()) : null,
    fingerprint: dedup_key,
    episodic: starts_at != null,
    generatorUrl: null,
  };
  return { ok: true, parsed: { alerts: [alert], unreadable: [], truncated: 0 } };
}
