import type { IncidentRecord, NotReopenable } from '../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { closedAsOf, type ReopenRefusal } from './closing.ts';
import { type InboxPost, inboxPostOf } from './inbox-post.ts';
import { reopenedProblem } from './new-onset.ts';
import { withNote } from './with-note.ts';

/**
 * Completes the message that reopens an incident: a new run begins with it, and nothing is left of the runs until the
 * resolution.
 */
export function reopeningPost(
  incident: IncidentRecord,
  post: InboxPost,
  at: Timestamp,
  set: Partial<IncidentRecord> = {},
): InboxPost {
  return {
    ...post,
    patch: {
      set: {
        ...post.patch.set,
        resolved_at: null,
        resolved_by: null,
        reopened_at: at,
        run: incident.run + 1,
        // Everything until the resolution has been read.
        consumed_seq: incident.seq,
        ...set,
      },
      seen: { ...post.patch.seen, run: incident.run, status: 'resolved' },
      // A field can be removed only once.
      remove: [
        ...new Set<keyof IncidentRecord>([
          ...(post.patch.remove ?? []),
          'closed_as',
          'unverified_children',
          'waits_for_health',
          // An alert reopens it: the reopening by a person before it is over.
          ...(set.reopened_by === undefined ? (['reopened_by'] as const) : []),
          ...(set.reopened_by === undefined && incident.opened_by === undefined ? (['by_hand'] as const) : []),
          'resolve_by',
          'unreadable',
          'unreadable_runs',
          'failed_runs',
          'failed_at',
        ]),
      ],
    },
  };
}

/** Returns why an incident can't be reopened. Null: it can. */
export const whyNotReopenable = (incident: IncidentRecord): ReopenRefusal | null =>
  incident.status === 'resolved' ? notReopenable(incident) : 'open';

/** Returns why an incident can't be reopened even if it is resolved. Null: it can. */
export function notReopenable({
  group_reason,
  unmatched,
}: Pick<IncidentRecord, 'group_reason' | 'unmatched'>): NotReopenable | null {
  if (group_reason !== undefined) return 'group';
  // Alerts of services outside the catalogue find their incident by other means.
  return unmatched === null ? null : 'unmatched';
}

/**
 * Decides how a person reopens a resolved incident. The problem is judged again, and paged again if it was paged before. Only a
 * person resolves it again, because the alerts that have ended prove nothing any more.
 *
 * @param request.firing number of its alerts that fire now
 */
export function planReopening(
  incident: IncidentRecord,
  { by, note, firing }: { by: string; note: string; firing: number },
  at: Timestamp,
): InboxPost {
  const closedAs = closedAsOf(incident);
  const pages = incident.pages > 0;
  const act = closedAs === 'unverified' ? 'Reopened, because the recovery was not verified' : 'Reopened';
  // Aborted or paused before: the new run judges the problem, and does nothing on its own.
  const text = withNote(`${act}${incident.automation_paused ? ', with its automation paused as before' : ''}`, note);
  const post = inboxPostOf(incident, { kind: 'reopened', critical: false, pages, requestsRollback: false, by }, at, {
    byHand: true,
    status: 'open',
    verification: 'not_needed',
    ...reopenedProblem(incident, { since: at, pages }),
    ...(incident.parent_id !== undefined && { parent: null }),
    timeline: {
      actor: by,
      kind: 'incident.reopened',
      text,
      detail: { resolved_at: incident.resolved_at, closed_as: closedAs },
    },
  });
  return reopeningPost(incident, post, at, { firing, reopened_by: by });
}
