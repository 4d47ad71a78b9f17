import * as z from 'zod';
import { probableOf, ranBelow } from '../../domain/changes/redeploy.ts';
import { reportedRollback } from '../../domain/changes/own-rollback.ts';
import { CHANGES_SEARCHED } from '../../domain/changes/recognize.ts';
import {
  currentVersion,
  newestOf,
  reportedName,
  withIdentities,
  withPinnedCommit,
} from '../../domain/changes/identified-versions.ts';
import {
  commitOf,
  isOfDeployRepository,
  isSameReference,
  isSameVersion,
} from '../../domain/changes/version-identity.ts';
import { increment, PERFORMED } from '../../domain/incidents/metrics.ts';
import {
  type ActionPlan,
  type ActionState,
  completedEffect,
  type EffectEnd,
  hasEnded,
  type Lock,
  withStandInNote,
  type Pace,
  planAction,
  planEnd,
  paceSince,
  planRollbackEnd,
  type RollbackEndPlan,
} from '../../domain/incidents/plan-effects.ts';
import { isSentPage } from '../../domain/paging/pages.ts';
import type { IncidentEventFields } from '../../domain/incidents/incident-events.ts';
import type { NewPin } from '../../domain/ports/changes.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { AutomaticActions, IntendedAction, Effects, RollbackEnd } from '../../domain/ports/decisions.ts';
import type { Clock } from '../../domain/ports/system.ts';
import { evidenceNameOf } from '../../domain/incidents/evidence-name.ts';
import { fewestActionsOf } from '../../domain/alerts/senders.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { Effect, IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Reason } from '../../../schemas/incidents/reason.ts';
import { type ChangeId, IncidentId } from '../../../schemas/config/names.ts';
import { plusSeconds, Timestamp } from '../../../schemas/time/time.ts';
import {
  StoredChange,
  StoredDecision,
  StoredEffect,
  StoredIncident,
} from '../../../schemas/incidents/stored-records.ts';
import { changeWrites, liveAgainWrites, newChange, keyPointedTo, changeMarkWrites } from '../changes/changes.ts';
import { incidentAuditWrite } from '../audit/audit-writes.ts';
import { finishedWrite, unfinishedEffects, unfinishedWrite } from '../changes/backlog.ts';
import { type Observers, unobserved } from './observers.ts';
import { keys } from '../../stores/keys.ts';
import { patchWrite, postWrites, timelineWrite } from './inbox.ts';
import { pinsSubject } from '../../domain/incidents/projections.ts';
import { projectionMarkWrite } from './projections.ts';
import { pinsIn, pinWrites } from '../changes/pins.ts';
import { expiresAfter, RETENTION_DAYS } from '../../stores/retention.ts';
import { collect, type Table } from '../../stores/table.ts';
import {
  absent,
  allOf,
  anyOf,
  type Condition,
  equals,
  type Item,
  missing,
  put,
  remove,
  revisionIs,
  update,
  type Write,
} from '../../../platforms/store.ts';

const TRIES = 20;

/** Automatic actions of the last hour, with the senders of their alerts. */
const AutomaticActs = z.array(z.object({ at: Timestamp, senders: z.array(z.string()) }));
const Timestamps = z.array(Timestamp);

export class EffectTable implements Effects {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #observers: Observers;

  constructor(table: Table, clock: Clock, observers: Observers = unobserved) {
    this.#table = table;
    this.#clock = clock;
    this.#observers = observers;
  }

  async get(id: IncidentId, key: string): Promise<Effect | undefined> {
    const item = await this.#table.get(keys.effect(id, key));
    return item && StoredEffect.parse(item);
  }

  async intend(
    id: IncidentId,
    intent: Omit<Effect, 'state' | 'at'>,
    also: { page?: number; counts?: boolean } = {},
  ): Promise<Effect> {
    const effect: Effect = { ...withStandInNote(intent), state: 'intended', at: this.#clock.now() };
    const page = also.page === undefined ? [] : [update(keys.incident(id), { set: { pages: also.page } })];
    const counted = also.counts === true ? [await this.#countWrite(effect.at)] : [];
    const { ok } = await this.#table.transact([
      put({ ...keys.effect(id, intent.key), ...effect }, absent),
      unfinishedWrite(id, effect),
      ...page,
      ...counted,
    ]);
    if (ok) {
      await this.#observers.events.publish(id, 'effect.started', eventFields(effect));
      return effect;
    }
    const stored = await this.get(id, intent.key);
    if (stored === undefined) throw new Error(`cannot store or read the intent of ${intent.key}`);
    return stored;
  }

  async intendAction(
    id: IncidentId,
    intent: Omit<Effect, 'state' | 'at'>,
    act: IntendedAction,
    whyStopped?: () => Promise<Reason | undefined>,
  ): Promise<{ ok: true; effect: Effect } | { ok: false; reason: Reason }> {
    const wanted = [keys.effect(id, intent.key), keys.incident(id), keys.lock(act.resource), keys.pace()];
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const at = this.#clock.now();
      const [[effect, incident, lock, pace], guard] = await Promise.all([
        this.#table.getAll(wanted),
        attempt === 1 ? whyStopped?.() : undefined,
      ]);
      if (guard !== undefined) return { ok: false, reason: guard };
      const record = StoredIncident.pick({ number: true, status: true, parent_id: true }).parse(incident);
      const parent = record.parent_id && (await this.#table.get(keys.incident(record.parent_id)));
      const state: ActionState = {
        known: effect && StoredEffect.parse(effect),
        incident: { id, ...record },
        parent: parent && StoredIncident.pick({ id: true, group_rollback: true }).parse(parent),
        lock: lock && lockIn(lock),
        pace: paceIn(pace),
      };
      const plan = planAction(intent, act, state, at);
      if (plan.kind === 'known') return { ok: true, effect: plan.effect };
      if (plan.kind === 'stopped') return { ok: false, reason: plan.reason };
      const { ok } = await this.#table.transact([
        ...this.#intentWrites(id, plan, state, act),
        ...(plan.pace === null ? [] : [this.#paceWrite(plan.pace, Number(pace?.['rev'] ?? 0))]),
      ]);
      if (!ok) continue; // something has changed in the meantime
      await this.#observers.events.publish(id, 'effect.started', eventFields(plan.effect));
      return { ok: true, effect: plan.effect };
    }
    throw new Error(`the count of automatic actions changed during all ${TRIES} attempts; the step is retried`);
  }

  #intentWrites(
    id: IncidentId,
    { effect, patch, parent, lock, entry }: ActionPlan,
    { lock: before }: ActionState,
    { serviceEnvironment, resource, isProposed }: IntendedAction,
  ): Write[] {
    const { key, at } = effect;
    const expires = expiresAfter(at, RETENTION_DAYS.act);
    return [
      put({ ...keys.effect(id, key), ...effect }, absent),
      put(
        { ...keys.lock(resource), key, incident_id: id, until: lock.until },
        before === undefined ? absent : allOf(equals('key', before.key), equals('until', before.until)),
      ),
      patchWrite(id, patch),
      ...(parent === null ? [] : [patchWrite(parent.id, parent.patch)]),
      ...(effect.kind === 'roll-back' || isProposed
        ? [put({ ...keys.act(serviceEnvironment, at, key), incident_id: id, ...expires })]
        : []),
      ...(effect.flag === undefined
        ? []
        : [put({ ...keys.flagAct(serviceEnvironment, effect.flag.name), key, incident_id: id, ...expires })]),
      ...(isProposed
        ? [put({ ...keys.automaticAction(serviceEnvironment.service, at, key), incident_id: id, key })]
        : []),
      timelineWrite(id, key, entry),
      incidentAuditWrite(id, key, entry),
      unfinishedWrite(id, effect),
      // The sweeper stores the evidence, so that the action does not wait for it.
      put({ ...keys.evidenceDue(id, evidenceNameOf(id, key)), since: at }),
    ];
  }

  async ofFlag(
    serviceEnvironment: ServiceEnvironment,
    flag: string,
  ): Promise<{ incident: IncidentId; effect: Effect } | undefined> {
    const act = await this.#table.get(keys.flagAct(serviceEnvironment, flag));
    if (act === undefined) return undefined;
    const incident = IncidentId.parse(act['incident_id']);
    const effect = await this.get(incident, String(act['key']));
    return effect && { incident, effect };
  }

  async unfinished(kind: Effect['kind']): Promise<{ incident: IncidentId; effect: Effect }[]> {
    const ofKind = (await unfinishedEffects(this.#table)).filter((effect) => effect.kind === kind);
    const known = await Promise.all(
      ofKind.map(async ({ incident, key }) => {
        const effect = await this.get(incident, key);
        return effect?.state === 'intended' ? [{ incident, effect }] : [];
      }),
    );
    return known.flat();
  }

  async automaticSince(since: Timestamp): Promise<AutomaticActions> {
    const { times, acts } = paceIn(await this.#table.get(keys.pace()));
    const recent = acts.filter(({ at }) => at >= since);
    return {
      all: times.filter((at) => at >= since).length,
      of: (senders) => fewestActionsOf(recent, senders),
    };
  }

  #paceWrite(pace: Pace, rev: number): Write {
    return put({ ...keys.pace(), ...pace, rev: rev + 1 }, rev === 0 ? absent : revisionIs(rev));
  }

  /** Returns the write that counts an automatic action without senders. */
  async #countWrite(at: Timestamp): Promise<Write> {
    const item = await this.#table.get(keys.pace());
    const { times, acts } = paceSince(paceIn(item), plusSeconds(at, -3600));
    return this.#paceWrite({ times: [...times, at], acts }, Number(item?.['rev'] ?? 0));
  }

  async record(id: IncidentId, effect: Omit<Effect, 'at'>): Promise<void> {
    const { key, kind, state } = effect;
    const { effect: whole, entry } = completedEffect(effect, this.#clock.now());
    const { ok } = await this.#table.transact([
      put({ ...keys.effect(id, key), ...whole }, absent),
      timelineWrite(id, `${key}-${state}`, entry),
    ]);
    if (ok && hasEnded(state)) {
      const ended = { ...eventFields(effect), outcome: state };
      await this.#observers.events.publish(id, 'effect.ended', ended, state === 'failed' ? whole.detail : undefined);
      await this.#observers.counters.add([increment('firebreak_effects_total', kind, state)]);
    }
  }

  async conclude(
    id: IncidentId,
    key: string,
    state: Effect['state'],
    text: string,
    actor = 'firebreak',
  ): Promise<void> {
    let isLockForeign = false;
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const known = await this.get(id, key);
      const plan = planEnd(known, { key, state, text, actor }, this.#clock.now());
      if (plan === null) return this.#observers.shown.incident(id);
      const unlock: Write[] = isLockForeign ? [] : this.#unlock(key, plan.unlocks);
      const result = await this.#table.transact([
        ...unlock,
        conclusionWrite(id, key, plan, unchangedState(known?.state)),
        ...(hasEnded(state) ? [finishedWrite(id, key)] : []),
        timelineWrite(id, `${key}-${state}`, plan.entry),
        ...(known !== undefined && isSentPage({ ...known, state })
          ? [update(keys.incident(id), { add: { paged: 1 } })]
          : []),
        // Only actions on a target are in the audit log.
        ...(known?.resource === undefined ? [] : [incidentAuditWrite(id, `${key}-${state}`, plan.entry)]),
      ]);
      if (result.ok) {
        if (known && hasEnded(state)) {
          const ended = { ...eventFields(known), outcome: state, actor };
          await this.#observers.events.publish(id, 'effect.ended', ended, state === 'failed' ? plan.detail : undefined);
          await this.#observers.counters.add([increment('firebreak_effects_total', known.kind, state)]);
        }
        await this.#observers.shown.incident(id);
        return;
      } // otherwise another run of the step was faster
      isLockForeign ||= unlock.length > 0 && result.failed.includes(0);
    }
    throw new Error(`cannot conclude ${key} of ${id}: it changed during all ${TRIES} attempts; the step is retried`);
  }

  /** Releases the target's lock; fails if another effect has taken it over. */
  #unlock(key: string, resource: string | null): Write[] {
    if (resource === null) return [];
    return [remove(keys.lock(resource), anyOf(absent, equals('key', key)))];
  }

  async concludeRollback(id: IncidentId, end: RollbackEnd): Promise<void> {
    const { key, number, outcome, versionChange: moved } = end;
    const wanted = [
      keys.incident(id),
      keys.decision(id, number),
      keys.effect(id, key),
      ...(moved === null ? [] : [keys.changeById(moved.suspect)]),
    ];
    let isLockForeign = false;
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const [incident, decision, item, suspect] = await this.#table.getAll(wanted);
      if (incident === undefined || decision === undefined)
        throw new Error(`incident ${id} or its decision ${number} does not exist`);
      if (decision['outcome'] !== undefined) return this.#showRollback(id, end);
      const effect = item && StoredEffect.parse(item);
      const state = { incident: StoredIncident.parse(incident), decision: Reasons.parse(decision), effect };
      const plan = planRollbackEnd(state, end, this.#clock.now());
      const unlock: Write[] = isLockForeign ? [] : this.#unlock(key, plan.effect?.unlocks ?? null);
      const result = await this.#table.transact([
        ...unlock,
        update(
          keys.decision(id, number),
          { set: { outcome, ...(plan.notDone !== null && { not_done: plan.notDone }) } },
          missing('outcome'),
        ),
        ...(plan.effect ? [conclusionWrite(id, key, plan.effect)] : []),
        finishedWrite(id, key),
        ...(plan.logged === null ? [] : [incidentAuditWrite(id, `mitigation-${number}`, plan.logged)]),
        ...(plan.moved ? await this.#movedWrites(state.incident, plan.moved, suspect) : []),
        ...(plan.report.kind === 'post'
          ? postWrites(plan.report.post)
          : plan.report.entry === null
            ? []
            : [timelineWrite(id, `mitigation-${number}`, plan.report.entry)]),
      ]);
      if (result.ok) {
        if (effect && plan.effect)
          await this.#observers.events.publish(id, 'effect.ended', {
            ...eventFields(effect),
            outcome: plan.effect.state,
          });
        // The line about the effect has no reason, because this one has it.
        const ended = { decision: `${id}-${number}`, outcome };
        await this.#observers.events.publish(id, 'mitigation.ended', ended, FAILED.has(outcome) ? end.text : undefined);
        await this.#observers.counters.add([
          ...(PERFORMED.has(outcome)
            ? [increment('firebreak_rollbacks_total', outcome, end.serviceEnvironment.service)]
            : []),
          ...(effect && plan.effect ? [increment('firebreak_effects_total', effect.kind, plan.effect.state)] : []),
        ]);
        return this.#showRollback(id, end);
      }
      isLockForeign ||= unlock.length > 0 && result.failed.includes(0);
    }
    throw new Error(
      `cannot conclude the rollback of incident ${id}: it changed during all ${TRIES} attempts; the step is retried`,
    );
  }

  async #showRollback(id: IncidentId, { serviceEnvironment, versionChange }: RollbackEnd): Promise<void> {
    await this.#observers.shown.withGroup(id);
    if (versionChange !== null) await this.#observers.shown.changed(pinsSubject(serviceEnvironment));
  }

  /**
   * Records the rollback as a change, or adds to the record that the deploying system has made of it, and pins the version
   * that it removed.
   *
   * @param suspect points to the change
   */
  async #movedWrites(
    incident: IncidentRecord,
    { change: input, pin: removed, restored: how }: NonNullable<RollbackEndPlan['moved']>,
    suspect: Item | undefined,
  ): Promise<Write[]> {
    const { id } = incident;
    const items = suspect === undefined ? [] : await this.#newestChanges(removed);
    const newest = withIdentities(items.map((item) => StoredChange.parse(item)).toReversed(), { stays: true });
    const to = currentVersion(newest, input.version, how.commit);
    const restored = newestOf(newest, to);
    const own: Change = {
      ...newChange(input, removed.pinned_at, id),
      // The commit of a revert is in the report of the deploying system.
      ...(restored && (how.byRevert ? { version: reportedName(restored) } : identityOf(restored))),
    };
    const reported = suspect && reportedIn(items, own, suspectOf(suspect, removed).started_at);
    const change = reported?.change ?? own;
    const suspected = suspect && newest.find((one) => one.id === suspectOf(suspect, removed).id);
    const probable = probableOf(incident, newest);
    const isSuspected = suspected !== undefined && isSameVersion(suspected, removed);
    // A newer version that has not helped runs over the suspect, and is removed with it.
    const below = ranBelow(
      newest.filter((one) => one === suspected || probable.includes(one)),
      removed,
      restored,
    );
    const pins = [
      pinOf(removed, isSuspected ? suspected : newestOf(newest, removed.version)),
      ...below.map((one) => pinOf({ ...removed, version: one.version }, one)),
    ];
    const [pinned, live] = await this.#table.getAll([keys.pinned(removed), keys.live(removed)]);
    const known = pinsIn(pinned, live).map((pin) => withPinnedCommit(pin, newest));
    return [
      ...(reported ? liveAgainWrites(reported.item, change) : changeWrites(change)),
      // The deploying system may have reported the rollback, which has pinned the version.
      ...pinWrites(
        removed,
        pins.filter((pin) => !known.some((one) => isSameReference(one, pin))),
      ),
      projectionMarkWrite(`change:${change.id}`, removed.pinned_at),
      projectionMarkWrite(pinsSubject(removed), removed.pinned_at),
      ...(suspect
        ? [update(keyPointedTo(suspect), rolledBackBy(id)), ...changeMarkWrites(suspectOf(suspect, removed))]
        : []),
      ...below
        .filter((one) => one !== suspected)
        .flatMap((one) => [
          update(keys.change(one, one.started_at, one.id), rolledBackBy(id)),
          ...changeMarkWrites(one),
        ]),
    ];
  }

  /** Reads the newest records of changes, newest first. */
  #newestChanges(serviceEnvironment: ServiceEnvironment): Promise<Item[]> {
    const newest = this.#table.each(keys.changes(serviceEnvironment).pk, {
      newestFirst: true,
      limit: CHANGES_SEARCHED,
    });
    return collect(newest, (item) => item);
  }

  async rollbacksSince(serviceEnvironment: ServiceEnvironment, since: Timestamp): Promise<number> {
    let count = 0;
    for await (const _ of this.#table.each(keys.acts(serviceEnvironment).pk, { from: since })) count += 1;
    return count;
  }
}

/** Returns the names and the commits of a version, as a record has them that the deploying system did not make. */
function identityOf(
  restored: Change,
): Pick<Change, 'version' | 'reported_version' | 'commit' | 'deploy_commit' | 'artifact'> {
  const { version, reported_version: reported, commit, artifact } = restored;
  const applied = restored.deploy_commit ?? (isOfDeployRepository(restored) ? commit : null);
  return {
    version,
    ...(reported !== undefined && { reported_version: reported }),
    commit,
    ...(applied !== null && { deploy_commit: applied }),
    ...(artifact !== undefined && { artifact }),
  };
}

/** Returns the record that the deploying system has made of a rollback. */
function reportedIn(items: readonly Item[], own: Change, after: Timestamp): { item: Item; change: Change } | undefined {
  const found = reportedRollback(
    items.map((item) => StoredChange.parse(item)),
    own,
    after,
  );
  const item = items.find(({ id }) => id === found?.before.id);
  return found && item && { item, change: found.change };
}

/** Returns the pin of a version with the commit and the artifact that its change names. */
function pinOf(pin: NewPin, change: Change | undefined): NewPin {
  const commit = change && commitOf(change);
  return { ...pin, ...(commit != null && { commit }), ...(change?.artifact && { artifact: change.artifact }) };
}

/** Raises `rev`, so that a concurrent patch of the record does not undo this. */
const rolledBackBy = (id: IncidentId): Parameters<typeof update>[1] => ({
  set: { rolled_back_by: id },
  add: { rev: 1 },
});

/** Returns where a change is recorded, by its pointer. Its version is pinned, so it has the scope of the pin. */
function suspectOf(pointer: Item, { service, environment }: ServiceEnvironment) {
  const [startedAt = '', id = ''] = keyPointedTo(pointer).sk.split('#');
  return { service, environment, started_at: startedAt as Timestamp, id: id as ChangeId };
}

/** Log fields of an effect, without its target: the address may contain a secret. */
const eventFields = ({ key, kind, stand_in }: Pick<Effect, 'key' | 'kind' | 'stand_in'>): IncidentEventFields => ({
  effect: key,
  kind,
  ...(stand_in && { stand_in }),
});

const conclusionWrite = (
  id: IncidentId,
  key: string,
  { state, detail }: Pick<EffectEnd, 'state' | 'detail'>,
  condition?: Condition,
): Write => update(keys.effect(id, key), { set: { state, detail } }, condition);

/** Outcomes of a rollback that was tried in vain. */
const FAILED: ReadonlySet<RollbackEnd['outcome']> = new Set(['failed', 'refused', 'gave_up']);

const unchangedState = (state: Effect['state'] | undefined): Condition =>
  state === undefined ? missing('state') : equals('state', state);

/** Older versions stored decisions without reasons. */
const Reasons = StoredDecision.pick({ because: true, reasons: true }).partial().catch({});

const lockIn = (item: Item): Lock => ({
  key: String(item['key']),
  holder:
    item['drill_id'] !== undefined
      ? 'drill'
      : item['canary_id'] !== undefined
        ? 'canary'
        : IncidentId.parse(item['incident_id']),
  until: Timestamp.parse(item['until']),
});

const paceIn = (item: Item | undefined): Pace => ({
  times: Timestamps.parse(item?.['times'] ?? []),
  acts: AutomaticActs.parse(item?.['acts'] ?? []),
});
