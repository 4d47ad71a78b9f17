import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Message } from '../../../schemas/incidents/inbox.ts';
import type { IncidentRecord, IncidentStatus, TimelineEntry } from '../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { IncidentChange } from '../ports/incidents.ts';
import { withProblem } from './problems.ts';
import { requestedAfter } from '../rollback/rollback-request.ts';

/** A change of an incident's own record, on condition that it is still as it was read. */
export type IncidentPatch = {
  set?: Partial<IncidentRecord>;
  remove?: readonly (keyof IncidentRecord)[];
  /** Fields on which the change is based. Undefined: the field must be absent. */
  seen?: Partial<IncidentRecord>;
  /** States in which the incident must not be. */
  notIn?: readonly IncidentStatus[];
  /** Numbers to add, without a condition on the current ones. */
  add?: { firing?: number; signal_count?: number };
};

/** A message to the inbox of an open incident, with everything that is written in the same transaction. */
export type InboxPost = {
  incident: IncidentId;
  seq: number;
  message: Message;
  at: Timestamp;
  patch: IncidentPatch;
  entry: TimelineEntry | null;
};

/** Counts that are added to the incident with the message. */
export type CountChanges = {
  signals?: number;
  firing?: number;
  /** Alerts that are only last seen. */
  lastSeen?: number;
  requestsRollback?: boolean;
};

/** Builds the message that follows the ones that the incident has. */
export function inboxPostOf(
  incident: IncidentRecord,
  message: Message,
  at: Timestamp,
  change: IncidentChange = {},
  countChanges: CountChanges = {},
): InboxPost {
  const seq = incident.seq + 1;
  // Also if it is not known to wait: that can be recorded after the incident was read.
  const endsWait = (countChanges.firing ?? 0) > 0 || change.status !== undefined || change.byHand === true;
  const remove: (keyof IncidentRecord)[] = [
    ...(change.parent === null ? (['parent_id'] as const) : []),
    ...(change.recoveredAt === null ? (['recovered_at'] as const) : []),
    ...(change.unmeasured === false ? (['unmeasured'] as const) : []),
    ...(endsWait ? (['waits_for_health'] as const) : []),
  ];
  return {
    incident: incident.id,
    seq,
    message,
    at,
    patch: {
      set: present({
        seq,
        by_hand: change.byHand,
        severity: change.severity,
        title: change.title,
        status: change.status,
        verification: change.verification,
        verifying: change.verifying,
        cleared: change.cleared,
        recovered_at: change.recoveredAt ?? undefined,
        returned_at: change.returnedAt,
        new_onset: change.newOnset,
        earlier_problems: change.endedProblem
          ? withProblem(incident.earlier_problems, change.endedProblem)
          : change.earlierProblems?.slice(),
        suspects: change.suspects,
        automation_paused: change.automationPaused,
        published_by: change.publishedBy,
        last_requests: requestedAfter(incident.last_requests, message, at, change),
        escalated: change.escalated,
        paged_again_at: change.pagedAgainAt,
        unmeasured: change.unmeasured || undefined,
        requests_rollback: countChanges.requestsRollback ? true : undefined,
        signal_count: countChanges.signals ? incident.signal_count + countChanges.signals : undefined,
        last_seen_alerts: countChanges.lastSeen
          ? Math.max(0, (incident.last_seen_alerts ?? 0) + countChanges.lastSeen)
          : undefined,
        firing: countChanges.firing ? incident.firing + countChanges.firing : undefined,
      }),
      ...(remove.length > 0 && { remove }),
      // An action can change the status without a message, so a message that changes it depends on it as well.
      seen: { seq: incident.seq, ...(change.status !== undefined && { status: incident.status }) },
      notIn: ['resolved'],
    },
    entry: change.timeline === undefined ? null : { ...change.timeline, at },
  };
}

/** Removes fields without a value. */
export const present = <T extends object>(fields: { [K in keyof T]: T[K] | undefined }): Partial<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
