import type { IncidentRecord, TimelineEntry } from '../../../schemas/incidents/incident.ts';
import { minuteText, type Timestamp } from '../../../schemas/time/time.ts';
import { type IncidentPatch, type InboxPost, inboxPostOf } from '../incidents/inbox-post.ts';
import { recovered } from '../incidents/new-onset.ts';

/** Returns the message about an alert whose end its sender did not report. @param text reason for the assumption */
export const assumedEndPost = (incident: IncidentRecord, episode: string, text: string, at: Timestamp): InboxPost =>
  inboxPostOf(
    incident,
    { kind: 'signals', fired: 0, resolved: 1, critical: false, requestsRollback: false },
    at,
    {
      ...(incident.firing <= 1 && recovered(incident, at)),
      timeline: { actor: 'firebreak', kind: 'alerts.ended', text, detail: { resolved: [episode] } },
    },
    { firing: -1 },
  );

/** Alerts that a timeline entry names. */
const NAMED_MAX = 3;

/** Returns the change of an incident when alerts are only last seen, with its timeline entry. @param seen when, each */
export function lastSeenPatch(
  incident: IncidentRecord,
  seen: readonly { title: string; episode: string; at: Timestamp }[],
  at: Timestamp,
): { patch: IncidentPatch; entry: TimelineEntry } {
  const { firing, last_seen_alerts: before } = incident;
  const named = seen.slice(0, NAMED_MAX).map((one) => `${one.title} (last seen ${minuteText(one.at)})`);
  const more = seen.length > named.length ? ` and ${seen.length - named.length} more` : '';
  return {
    patch: {
      set: { firing: firing - seen.length, last_seen_alerts: (before ?? 0) + seen.length },
      seen: { firing, last_seen_alerts: before },
      notIn: ['resolved'],
    },
    entry: {
      at,
      actor: 'firebreak',
      kind: 'alerts.last_seen',
      text: `Not repeated for 24 hours, and no end was reported: ${named.join(', ')}${more}. It no longer counts as firing`,
      detail: { last_seen: seen.map(({ episode }) => episode) },
    },
  };
}
