import type { NewChange } from '../../../schemas/changes/change.ts';
import type { Pin } from '../../../schemas/changes/pin.ts';
import type { ChangeId, IncidentId } from '../../../schemas/config/names.ts';
import type { DecisionView, Effect, IncidentRecord, TimelineEntry } from '../../../schemas/incidents/incident.ts';
import type { Reason } from '../../../schemas/incidents/reason.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { fewestActionsOf } from '../alerts/senders.ts';
import { standInNote } from '../catalogue/vendors.ts';
import type { IntendedAction, RollbackEnd } from '../ports/decisions.ts';
import type { IncidentChange } from '../ports/incidents.ts';
import { whyStopped } from '../rollback/apply-guards.ts';
import { groupRollbackOf } from './incident-group.ts';
import { type IncidentPatch, type InboxPost, inboxPostOf } from './inbox-post.ts';
import { mitigated } from './new-onset.ts';

/** Seconds after which a lock counts as abandoned: longer than a rollback is followed. */
const LOCK_ABANDONED_SECONDS = 3 * 3600;

/** The lock of a resource. `holder`: an incident, a drill, or a canary. */
export type Lock = { key: string; holder: IncidentId | 'drill' | 'canary'; until: Timestamp };

/** Automatic actions of all services within the last hour. `acts`: with the senders of their alerts. */
export type Pace = { times: readonly Timestamp[]; acts: readonly { at: Timestamp; senders: readonly string[] }[] };

/** What an action depends on: its stored intent, the incident, the lock of its resource, and recent actions. */
export type ActionState = {
  known: Effect | undefined;
  incident: Pick<IncidentRecord, 'id' | 'number' | 'status' | 'parent_id'>;
  /** Its parent. Undefined: none. */
  parent: Pick<IncidentRecord, 'id' | 'group_rollback'> | undefined;
  lock: Lock | undefined;
  pace: Pace;
};

/** What the intent of an action writes. `pace`: null if the action is not counted. `parent`: null if it is unchanged. */
export type ActionPlan = {
  kind: 'begins';
  effect: Effect;
  patch: IncidentPatch;
  parent: { id: IncidentId; patch: IncidentPatch } | null;
  lock: Lock;
  pace: Pace | null;
  entry: TimelineEntry;
};

/** Returns the actions since a time, exclusive. */
export const paceSince = ({ times, acts }: Pace, since: Timestamp): Pace => ({
  times: times.filter((at) => at > since),
  acts: acts.filter(({ at }) => at > since),
});

const holderOf = (
  holder: Lock['holder'],
  id: IncidentId,
): 'drill' | 'canary' | 'this_incident' | 'another_incident' => {
  if (holder === 'drill' || holder === 'canary') return holder as 'drill' | 'canary';
  return holder === id ? 'this_incident' : 'another_incident';
};

/** Decides whether an action may start. An intent that is stored stays as it is, whatever has changed since. */
export function planAction(
  intent: Omit<Effect, 'state' | 'at'>,
  { serviceEnvironment, resource, automatic, senders = [] }: IntendedAction,
  { known, incident, parent, lock, pace }: ActionState,
  at: Timestamp,
): ActionPlan | { kind: 'known'; effect: Effect } | { kind: 'stopped'; reason: Reason } {
  if (known !== undefined) return { kind: 'known', effect: known };
  const { times, acts } = paceSince(pace, plusSeconds(at, -3600));
  const isLocked = lock !== undefined && lock.key !== intent.key && lock.until >= at;
  const reason = whyStopped('record', {
    agreement: automatic ? 'none' : 'approved',
    organisation_rollbacks_last_hour: times.length,
    sender_rollbacks_last_hour: fewestActionsOf(acts, senders),
    locked_by: isLocked ? holderOf(lock.holder, incident.id) : null,
    incident_open: incident.status !== 'resolved',
    group_rolled_back: groupRollbackOf(parent),
  });
  if (reason !== undefined) return { kind: 'stopped', reason };
  const effect: Effect = {
    ...withStandInNote(intent),
    service_environment: serviceEnvironment,
    resource,
    state: 'intended',
    at,
  };
  const { key, kind, detail, target } = effect;
  return {
    kind: 'begins',
    effect,
    patch: { set: { status: 'mitigating' }, seen: { parent_id: incident.parent_id }, notIn: ['resolved'] },
    parent:
      parent !== undefined && automatic
        ? {
            id: parent.id,
            patch: {
              set: { group_rollback: { incident_id: incident.id, number: incident.number, key } },
              seen: { group_rollback: undefined },
            },
          }
        : null,
    lock: { key, holder: incident.id, until: plusSeconds(at, LOCK_ABANDONED_SECONDS) },
    pace: automatic ? { times: [...times, at], acts: [...acts, { at, senders }] } : null,
    entry: {
      at,
      actor: 'firebreak',
      kind: kind === 'roll-back' ? 'rollback.started' : `${kind}.started`,
      text: detail,
      detail: { key, target },
    },
  };
}

/** Notes in the detail that the effect goes to a stand-in, if so. */
export const withStandInNote = <T extends Pick<Effect, 'kind' | 'detail' | 'stand_in'>>(effect: T): T =>
  effect.stand_in === true ? { ...effect, detail: effect.detail + standInNote(effect.kind) } : effect;

export const hasEnded = (state: Effect['state']): boolean => state !== 'intended' && state !== 'accepted';

/** Returns an effect that was completed in one step, with its timeline entry. */
export function completedEffect(effect: Omit<Effect, 'at'>, at: Timestamp): { effect: Effect; entry: TimelineEntry } {
  const { key, kind, state, detail } = withStandInNote(effect);
  const entry = { at, actor: 'firebreak', kind: `${kind}.${state}`, text: detail, detail: { key } };
  return { effect: { ...effect, detail, at }, entry };
}

/** What the end of an effect writes. `unlocks`: resource to release if this effect holds it. */
export type EffectEnd = { state: Effect['state']; detail: string; unlocks: string | null; entry: TimelineEntry };

/** Decides how an effect ends. Null: it has. @param known undefined: its intent is not stored */
export function planEnd(
  known: Effect | undefined,
  { key, state, text, actor }: { key: string; state: Effect['state']; text: string; actor: string },
  at: Timestamp,
): EffectEnd | null {
  if (known?.state === state) return null;
  const detail = known === undefined ? text : withStandInNote({ ...known, detail: text }).detail;
  return {
    state,
    detail,
    // An accepted effect is still in progress, so the target stays locked.
    unlocks: state === 'accepted' ? null : (known?.resource ?? null),
    entry: { at, actor, kind: `${known?.kind ?? 'effect'}.${state}`, text: detail, detail: { key } },
  };
}

/** The stored state on which the end of a rollback depends. */
export type RollbackState = {
  incident: IncidentRecord;
  decision: { because?: DecisionView['because'] | undefined; reasons?: DecisionView['reasons'] | undefined };
  effect: Effect | undefined;
};

/** What the end of a rollback writes. `logged`: entry of the audit log; null: none. */
export type RollbackEndPlan = {
  effect: Pick<EffectEnd, 'state' | 'detail' | 'unlocks'> | null;
  logged: TimelineEntry | null;
  moved: {
    /** Record of the rollback. */
    change: NewChange;
    /** The version that it removed, so that it is not a target again. */
    pin: Omit<Pin, 'id' | 'lifted_at' | 'lifted_by'>;
    suspect: ChangeId;
    restored: { commit: string | null; byRevert: boolean };
  } | null;
  /** Why nothing was done. Null: an act was begun, or there is a decision against one. */
  notDone: string | null;
  /** Message to the inbox, or only a timeline entry if the incident is resolved. */
  report: { kind: 'post'; post: InboxPost } | { kind: 'entry'; entry: TimelineEntry | null };
};

/** Decides what follows from the end of a rollback, or from a decision against one. */
export function planRollbackEnd(
  { incident, decision, effect }: RollbackState,
  end: RollbackEnd,
  at: Timestamp,
): RollbackEndPlan {
  const { key, number, outcome, page, again, serviceEnvironment, versionChange } = end;
  const description = outcomeText(end, decision);
  const text = effect === undefined ? description : withStandInNote({ ...effect, detail: description }).detail;
  // The withdrawal of the question, or the decision to wait, is on the timeline.
  const isNoted = outcome !== 'withdrawn' && outcome !== 'waited';
  const timeline = {
    actor: 'firebreak',
    kind: `mitigation.${outcome}`,
    text,
    detail: { key, decision: `${incident.id}-${number}` },
  };
  const pinned = versionChange && {
    pinned: versionChange.from,
    rolled_back_to: versionChange.to,
    ...serviceEnvironment,
  };
  const change: IncidentChange =
    outcome === 'succeeded'
      ? mitigated(incident, { number, at })
      : effect !== undefined && incident.status === 'mitigating' // otherwise another rollback of the incident is in progress
        ? { status: 'open' }
        : {};
  return {
    effect:
      effect === undefined ? null : { state: EFFECT_STATES[outcome], detail: text, unlocks: effect.resource ?? null },
    logged: isNoted ? { ...timeline, at, detail: { ...timeline.detail, ...pinned } } : null,
    notDone: effect === undefined && NOT_DONE.has(outcome) ? text : null,
    moved: versionChange && {
      change: {
        ...serviceEnvironment,
        version: versionChange.to,
        kind: 'rollback',
        status: 'succeeded',
        started_at: effect?.at ?? at,
        finished_at: at,
        previous_version: versionChange.from,
        has_migration: false,
      },
      pin: {
        ...serviceEnvironment,
        version: versionChange.from,
        rolled_back_to: versionChange.to,
        incident_id: incident.id,
        reason: `rolled back to ${versionChange.to}`,
        pinned_at: at,
      },
      suspect: versionChange.suspect,
      restored: { commit: versionChange.toCommit ?? null, byRevert: versionChange.byRevert === true },
    },
    report:
      incident.status === 'resolved'
        ? { kind: 'entry', entry: isNoted ? { ...timeline, at } : null }
        : {
            kind: 'post',
            post: inboxPostOf(incident, { kind: 'mitigation', number, outcome, page, ...(again && { again }) }, at, {
              ...change,
              ...(isNoted && { timeline }),
            }),
          },
  };
}

/** Outcomes of a rollback that was approved or decided, if no call was made. */
const NOT_DONE: ReadonlySet<RollbackEnd['outcome']> = new Set([
  'superseded',
  'withheld',
  'failed',
  'refused',
  'gave_up',
]);

const EFFECT_STATES: Readonly<Record<RollbackEnd['outcome'], Effect['state']>> = {
  succeeded: 'succeeded',
  superseded: 'superseded',
  withheld: 'withheld',
  failed: 'failed',
  refused: 'failed',
  gave_up: 'failed',
  rejected: 'failed',
  expired: 'failed',
  withdrawn: 'failed',
  not_taken: 'failed',
  waited: 'failed',
};

/** Replaces the code of the reason by its text; the decision keeps the code. */
function outcomeText({ outcome, text }: RollbackEnd, { because, reasons }: RollbackState['decision']): string {
  const reasonText = reasons?.[0]?.text;
  return outcome !== 'not_taken' || because === undefined || reasonText === undefined
    ? text
    : text.replace(because, () => reasonText);
}
