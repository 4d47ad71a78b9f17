import type { IncidentId } from '../../../schemas/config/names.ts';
import type {
  DecisionView,
  Effect,
  IncidentRecord,
  IncidentView,
  TimelineEntry,
} from '../../../schemas/incidents/incident.ts';
import type { MitigationOutcome } from '../../../schemas/incidents/inbox.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { awaitsVerdict } from '../rollback/verdict.ts';
import { causeOf, causeWords } from './cause.ts';
import { closedAsOf, closeKind, closesByItself, QUIET } from './closing.ts';
import { incidentName } from './incident-number.ts';
import { notReopenable } from './reopening.ts';
import { statusWords } from './status-words.ts';
import { contradictionView } from './page-contradiction.ts';
import type { Child } from '../messages/story.ts';
import type { Amend, Amended, ChildIncident, IncidentGroups, HandoverState } from '../ports/incidents.ts';
import { childrenView, openChildren } from './children.ts';
import { type IncidentPatch, type InboxPost, inboxPostOf, present } from './inbox-post.ts';

/** A change of an incident's own record, with its timeline entry. */
export type PatchPlan = { kind: 'patch'; patch: IncidentPatch; entry: TimelineEntry | null };

/** Decides how people change handling and roles. The change does not concern the workflow, so it sends no message. */
export function planAmendment(
  incident: IncidentRecord | undefined,
  amend: Amend,
  at: Timestamp,
): PatchPlan | { kind: Exclude<Amended, 'done'> } {
  if (incident === undefined) return { kind: 'unknown' };
  if (incident.status === 'resolved') return { kind: 'resolved' };
  const amendment = amend(incident);
  if (amendment === undefined) return { kind: 'as_it_is' };
  const { handling, escalated, timeline } = amendment;
  const roles = Object.entries({ ...incident.roles, ...amendment.roles }).filter(([, holder]) => holder !== null);
  return {
    kind: 'patch',
    patch: {
      set: {
        roles: Object.fromEntries(roles),
        handling: { ...incident.handling, ...handling },
        amended: (incident.amended ?? 0) + 1,
        ...(escalated !== undefined && { escalated }),
      },
      seen: { amended: incident.amended },
      notIn: ['resolved'],
    },
    entry: timeline === undefined ? null : { at, ...timeline },
  };
}

/**
 * A request to resolve an incident. `by`: null if its alerts have ended. `warnings`: alerts that may keep firing. `recoveredAt`: when health
 * was within its limit again, or its alerts ended. Absent: the problem ended with the incident, or nothing has shown its end. `isProven`: its mitigation is
 * verified, and health is within its limit, although no end of an alert was reported.
 */
export type Resolution = {
  consumed: number;
  by: string | null;
  text: string;
  warnings: number;
  recoveredAt?: Timestamp | undefined;
  isProven?: boolean | undefined;
};

/** Entries about the end of an alert: a reported one, and one that was found, because its sender does not report it. */
export const ALERTS_ENDED: readonly string[] = ['alerts.resolved', 'alerts.ended'];

/**
 * Returns whether the problem of an incident that is resolved now ended with its alerts, and its record does not say so. It stays open after
 * that if its alerts flap, or until a person resolves it.
 */
export function endsWithAlerts(incident: IncidentRecord, by: string | null): boolean {
  if (by !== null && closesByItself(by)) return false;
  const { firing, signal_count: signals, last_seen_alerts: lastSeen = 0 } = incident;
  const { verifying, recovered_at, waits_for_health: waits, group_reason: group } = incident;
  const isKnown = [verifying, recovered_at, waits, group].some((known) => known !== undefined);
  return !isKnown && signals > 0 && firing <= 0 && lastSeen === 0;
}

/** Decides whether an incident can be resolved: nothing may have arrived since the last read of the inbox. */
export function planResolution(
  incident: IncidentRecord | undefined,
  { consumed, by, text, warnings, recoveredAt, isProven = false }: Resolution,
  at: Timestamp,
): PatchPlan | { kind: 'resolved' | 'not_yet' } {
  if (incident === undefined || incident.status === 'resolved') return { kind: 'resolved' };
  const { seq, firing, status, last_seen_alerts: lastSeen } = incident;
  const isCalm = firing <= warnings && status !== 'mitigating';
  const mayClose = !closesByItself(by) || (isCalm && (by === QUIET || !lastSeen));
  if (seq !== consumed || !mayClose) return { kind: 'not_yet' };
  const closedAs = isProven ? 'verified' : closeKind(incident, by);
  return {
    kind: 'patch',
    patch: {
      set: {
        status: 'resolved',
        resolved_at: at,
        resolved_by: by,
        closed_as: closedAs,
        ...(recoveredAt !== undefined && { recovered_at: recoveredAt }),
      },
      // An action can start, and a child incident end, without a message.
      ...(closesByItself(by)
        ? { seen: { seq, firing, last_seen_alerts: lastSeen }, notIn: ['resolved', 'mitigating'] }
        : { seen: { seq }, notIn: ['resolved'] }),
    },
    entry: { at, actor: by ?? 'firebreak', kind: 'incident.resolved', text, detail: { closed_as: closedAs } },
  };
}

/** Returns the handover to the next run, and its timeline entry. */
export function planHandover(
  run: number,
  text: string,
  left: HandoverState,
  at: Timestamp,
): PatchPlan & { entry: TimelineEntry } {
  const stored = {
    unreadable: left.unread,
    unreadable_runs: left.unreadableRuns,
    failed_runs: left.failedRuns,
    failed_at: left.failedRuns === undefined ? undefined : at,
    resolve_by: left.resolveBy,
  };
  const names = Object.keys(stored) as (keyof typeof stored)[];
  return {
    kind: 'patch',
    patch: { set: present({ run, ...stored }), remove: names.filter((name) => stored[name] === undefined) },
    entry: { at, actor: 'firebreak', kind: 'workflow.handed_over', text, detail: { run } },
  };
}

/** A decision with the result of its mitigation; `asked`: for a question of a runbook, which has none. */
export type DecisionEnd = { number: number; outcome: MitigationOutcome | 'asked' | undefined };

/** Returns the numbers of mitigations that the next run must continue: without a result, or the newest, not verified yet. */
export const unfinishedOf = (
  decisions: readonly DecisionEnd[],
  incident: Pick<IncidentRecord, 'verification' | 'verifying'>,
): number[] =>
  decisions
    .filter(
      ({ number, outcome }) =>
        outcome === undefined || (outcome === 'succeeded' && awaitsVerdict(incident, { number })),
    )
    .map(({ number }) => number);

/** Builds the API view of an incident. @param parts children; null: it is no parent. `channel`: its own or its parent's */
export function viewOf(
  incident: IncidentRecord,
  related: {
    channel: string | null;
    children: readonly ChildIncident[] | null;
    decisions: DecisionView[];
    effects: Effect[];
  },
): IncidentView {
  const { id, service, environment, title, severity, status, opened_at, resolved_at, signal_count, suspects } =
    incident;
  return {
    id,
    number: incident.number ?? null,
    service,
    environment,
    title,
    severity,
    status,
    opened_at,
    resolved_at,
    signal_count,
    firing: related.children === null ? Math.max(incident.firing, 0) : openChildren(related.children).alerts,
    suspects,
    closed_as: closedAsOf(incident),
    not_reopenable: notReopenable(incident),
    status_text: statusWords(incident),
    parent_id: incident.parent_id ?? null,
    ...(related.children !== null && { children: childrenView(related.children) }),
    channel: related.channel,
    roles: Object.fromEntries(Object.entries(incident.roles ?? {}).map(([role, { shown }]) => [role, shown])),
    cause: causeWords(causeOf(incident)),
    cleared: incident.cleared ?? [],
    earlier_problems: incident.earlier_problems ?? [],
    page_contradiction: contradictionView(incident.page_contradiction),
    decisions: related.decisions,
    effects: related.effects.toSorted((a, b) => (a.at < b.at ? -1 : 1)),
  };
}

/** Returns a child incident as its parent shows it. */
export function childOf(incident: IncidentRecord): Child {
  const { id, number, service, environment, unmatched, title, severity, status, verification } = incident;
  const closedAs = closedAsOf(incident);
  return {
    id,
    number,
    service: unmatched || service,
    environment,
    title,
    severity,
    status,
    ...(verification !== undefined && { verification }),
    ...(closedAs !== null && { closed_as: closedAs }),
  };
}

/** Writes of a child that joins a parent. `joinedAt`: also the parent's newest join. */
export type JoinPlan = {
  joinedAt: Timestamp;
  child: { id: IncidentId; patch: IncidentPatch; entry: TimelineEntry };
  parent: { id: IncidentId; patch: IncidentPatch; entry: TimelineEntry };
};

/** Decides whether an incident can join a parent, whose state is only a condition of the write. */
export function planJoin(
  { id: parent, number, group_reason: reason }: Pick<IncidentRecord, 'id' | 'number' | 'group_reason'>,
  child: IncidentRecord | undefined,
  at: Timestamp,
): JoinPlan | 'joined' | 'closed' {
  if (child === undefined) return 'closed';
  const { id, number: own, parent_id, status, environment, title } = child;
  if (parent_id !== undefined) return 'joined';
  if (status === 'resolved') return 'closed';
  const entry = { at, actor: 'firebreak' };
  const into = incidentName({ id: parent, number });
  const wasRolledBack = status === 'mitigating' || status === 'mitigated';
  return {
    joinedAt: at,
    child: {
      id,
      patch: { set: { parent_id: parent }, seen: { parent_id: undefined }, notIn: ['resolved'] },
      entry: {
        ...entry,
        kind: 'incident.joined',
        text:
          reason?.because === 'shared_dependency'
            ? `${reason.text}: this incident is now part of incident ${into}, which pages and has the channel. Automation stays in its mode; after the group's first automatic rollback, it asks for approval`
            : `Several services fail at the same time: this incident is now part of incident ${into}, which pages and has the channel. Automation asks for approval before it acts, unless a version is proved to be the cause`,
        detail: { parent },
      },
    },
    parent: {
      id: parent,
      patch: {
        add: { firing: 1, signal_count: 1 },
        notIn: ['resolved'],
        ...(wasRolledBack && { set: { group_rollback: { incident_id: id, number: own } } }),
      },
      entry: {
        ...entry,
        kind: 'alerts.joined',
        text: `Joined: ${childOf(child).service} ${environment}: ${title}`,
        detail: { incident: id },
      },
    },
  };
}

/** Returns the message of a child that leaves its parent. Null: it is resolved, or not a child. */
export const planLeave = (
  parent: IncidentId,
  child: IncidentRecord | undefined,
  { page, text }: Parameters<IncidentGroups['detach']>[2],
  at: Timestamp,
): InboxPost | null =>
  child?.parent_id !== parent || child.status === 'resolved'
    ? null
    : inboxPostOf(child, { kind: 'left', parent, page }, at, {
        parent: null,
        timeline: { actor: 'firebreak', kind: 'incident.left', text, detail: { parent } },
      });

/** What a parent loses when a child is resolved or leaves. */
export const withoutChild = (child: IncidentRecord | undefined): IncidentPatch => ({
  add: { firing: -1 },
  ...(child !== undefined && closedAsOf(child) === 'unverified' && { set: { unverified_children: true as const } }),
});
