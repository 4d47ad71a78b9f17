import * as z from 'zod';
import type { ExternalIncident } from '../../core/domain/ports/external-pager.ts';
import { userOf } from '../../core/domain/paging/pagerduty/users.ts';
import { PagerDutyReference } from '../../schemas/messages/pagerduty.ts';
import { InstantIn, type Timestamp } from '../../schemas/time/time.ts';

const Named = z.object({ summary: z.string().nullish() });
type Named = z.infer<typeof Named>;

/** Ignores a reference in an unexpected format. */
const reference = PagerDutyReference.nullish().catch(null);

const WEB = /^https?:\/\//;

/**
 * Parses an incident of the REST API.
 * @see https://developer.pagerduty.com/api-reference (Incidents; read 2026-11)
 */
const Incident = z
  .object({
    id: z.string().min(1),
    html_url: z.string().nullish(),
    title: z.string().nullish(),
    summary: z.string().nullish(),
    status: z.enum(['triggered', 'acknowledged', 'resolved']),
    created_at: InstantIn,
    assignments: z.array(z.object({ assignee: Named })).nullish(),
    acknowledgements: z.array(z.object({ at: InstantIn.nullish().catch(null), acknowledger: reference })).nullish(),
    last_status_change_by: reference,
    /** The only documented reason is a merge; it refers to the target incident. */
    resolve_reason: z.object({ incident: z.object({ id: z.string().min(1) }).nullish() }).nullish(),
  })
  .transform((incident): { incident: ExternalIncident; mergedInto: string | null } => ({
    incident: {
      id: incident.id,
      url: incident.html_url && WEB.test(incident.html_url) ? incident.html_url : null,
      title: incident.title || incident.summary || '',
      status: incident.status,
      acknowledgedBy: names((incident.acknowledgements ?? []).map(({ acknowledger }) => acknowledger ?? {})),
      assignedTo: names((incident.assignments ?? []).map(({ assignee }) => assignee)),
      acknowledged: newestAcknowledgement(incident.acknowledgements ?? []),
      resolvedBy: incident.status === 'resolved' ? userOf(incident.last_status_change_by) : null,
      createdAt: incident.created_at,
    },
    mergedInto: incident.resolve_reason?.incident?.id ?? null,
  }));

type Acknowledgement = { at?: Timestamp | null | undefined; acknowledger?: PagerDutyReference | null | undefined };

/** Returns the newest acknowledgement with a known time. */
function newestAcknowledgement(acknowledgements: readonly Acknowledgement[]): ExternalIncident['acknowledged'] {
  const dated = acknowledgements.flatMap(({ at, acknowledger }) =>
    at == null ? [] : [{ at, by: userOf(acknowledger) }],
  );
  return dated.toSorted((a, b) => (a.at < b.at ? 1 : -1))[0] ?? null;
}

const names = (people: readonly Named[]): string[] => [
  ...new Set(people.flatMap(({ summary }) => (summary ? [summary] : []))),
];

export const OneIncident = z.object({ incident: Incident }).transform(({ incident }) => incident);

export const IncidentPage = z
  .object({ incidents: z.array(Incident), more: z.boolean().nullish() })
  .transform(({ incidents, more }) => ({ incidents: incidents.map(({ incident }) => incident), more: more === true }));

/** The alerts of an incident. `details` is free-form data of the event's sender. */
export const AlertPage = z
  .object({
    alerts: z.array(
      z.object({
        alert_key: z.string().nullish(),
        summary: z.string().nullish(),
        body: z.object({ details: z.unknown().optional() }).nullish(),
      }),
    ),
  })
  .transform(({ alerts }) =>
    alerts.map(({ alert_key, summary, body }) => ({
      key: alert_key ?? '',
      title: summary ?? '',
      details: body?.details,
    })),
  );

export const Notes = z
  .object({ notes: z.array(z.object({ content: z.string().nullish() })) })
  .transform(({ notes }) => notes.map(({ content }) => content ?? ''));

export const NoteCreated = z.object({ note: z.object({ id: z.string() }) }).transform(() => null);
