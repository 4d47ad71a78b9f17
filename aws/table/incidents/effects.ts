import * as z from 'zod';
import { reportedRollback } from '../../../domain/changes/own-rollback.ts';
import { CHANGES_SEARCHED } from '../../../domain/changes/recognize.ts';
import { increment } from '../../../domain/incidents/metrics.ts';
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
  planRollbackEnd,
  type RollbackEndPlan,
} from '../../../domain/incidents/plan-effects.ts';
import type { IncidentEventFields } from '../../../domain/incidents/incident-events.ts';
import type { ServiceEnvironment } from '../../../domain/ports/common.ts';
import type { IntendedAction, Effects, RollbackEnd } from '../../../domain/ports/decisions.ts';
import type { Clock } from '../../../domain/ports/system.ts';
import { evidenceNameOf } from '../../../domain/incidents/evidence-name.ts';
import { fewestActionsOf } from '../../../domain/alerts/senders.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { Effect } from '../../../schemas/incidents/incident.ts';
import type { Reason } from '../../../schemas/incidents/reason.ts';
import { type ChangeId, IncidentId } from '../../../schemas/config/names.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import {
  StoredChange,
  StoredDecision,
  StoredEffect,
  StoredIncident,
} from '../../../schemas/incidents/stored-records.ts';
import { changeWrites, liveAgainWrites, newChange, keyPointedTo, rollupMarkWrite } from '../changes/changes.ts';
import { incidentAuditWrite } from '../audit/audit-writes.ts';
import { finishedWrite, unfinishedEffects, unfinishedWrite } from '../changes/backlog.ts';
import { type Observers, unobserved } from './observers.ts';
import { keys } from '../core/keys.ts';
import { patchWrite, postWrites, timelineWrite } from './inbox.ts';
import { pinsSubject } from '../../../domain/incidents/projections.ts';
import { projectionMarkWrite } from './projections.ts';
import { pinWrites } from '../changes/pins.ts';
import { expiresAfter, RETENTION_DAYS } from '../core/retention.ts';
import { absent, collect, type Item, type Table, type Write, revisionIs } from '../core/table.ts';

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

  async intend(id: IncidentId, intent: Omit<Effect, 'state' | 'at'>, also: { page?: number } = {}): Promise<Effect> {
    const effect: Effect = { ...withStandInNote(intent), state: 'intended', at: this.#clock.now() };
    const page =
      also.page === undefined
        ? []
        : [
            this.#table.update(keys.incident(id), {
              UpdateExpression: 'SET pages = :page',
              ExpressionAttributeValues: { ':page': also.page },
            }),
          ];
    const { ok } = await this.#table.transact([
      this.#table.put({ ...keys.effect(id, intent.key), ...effect }, absent),
      unfinishedWrite(this.#table, id, effect),
      ...page,
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
  ): Promise<{ ok: true; effect: Effect } | { ok: false; reason: Reason }> {
    const wanted = [keys.effect(id, intent.key), keys.incident(id), keys.lock(act.resource), keys.pace()];
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const at = this.#clock.now();
      const [effect, incident, lock, pace] = await this.#table.getAll(wanted);
      const record = StoredIncident.pick({ status: true, parent_id: true }).parse(incident);
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
    return [
      this.#table.put({ ...keys.effect(id, key), ...effect }, absent),
      this.#table.put(
        { ...keys.lock(resource), key, incident_id: id, until: lock.until },
        before === undefined
          ? absent
          : {
              ConditionExpression: '#key = :key AND #until = :until',
              ExpressionAttributeNames: { '#key': 'key', '#until': 'until' },
              ExpressionAttributeValues: { ':key': before.key, ':until': before.until },
            },
      ),
      patchWrite(this.#table, id, patch),
      ...(parent === null ? [] : [patchWrite(this.#table, parent.id, parent.patch)]),
      ...(effect.kind === 'roll-back'
        ? [
            this.#table.put({
              ...keys.act(serviceEnvironment, at, key),
              incident_id: id,
              ...expiresAfter(at, RETENTION_DAYS.act),
            }),
          ]
        : []),
      ...(isProposed
        ? [this.#table.put({ ...keys.automaticAction(serviceEnvironment.service, at, key), incident_id: id, key })]
        : []),
      timelineWrite(this.#table, id, key, entry),
      incidentAuditWrite(this.#table, id, key, entry),
      unfinishedWrite(this.#table, id, effect),
      // The sweeper stores the evidence, so that the action does not wait for it.
      this.#table.put({ ...keys.evidenceDue(id, evidenceNameOf(id, key)), since: at }),
    ];
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

  async automaticSince(since: Timestamp, senders?: readonly string[]): Promise<number> {
    const { times, acts } = paceIn(await this.#table.get(keys.pace()));
    return senders === undefined
      ? times.filter((at) => at >= since).length
      : fewestActionsOf(
          acts.filter(({ at }) => at >= since),
          senders,
        );
  }

  #paceWrite(pace: Pace, rev: number): Write {
    return this.#table.put({ ...keys.pace(), ...pace, rev: rev + 1 }, rev === 0 ? absent : revisionIs(rev));
  }

  async record(id: IncidentId, effect: Omit<Effect, 'at'>): Promise<void> {
    const { key, kind, state } = effect;
    const { effect: whole, entry } = completedEffect(effect, this.#clock.now());
    const { ok } = await this.#table.transact([
      this.#table.put({ ...keys.effect(id, key), ...whole }, absent),
      timelineWrite(this.#table, id, `${key}-${state}`, entry),
    ]);
    if (ok && hasEnded(state)) {
      await this.#observers.events.publish(id, 'effect.ended', { ...eventFields(effect), outcome: state });
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
      if (plan === null) return;
      const unlock: Write[] = isLockForeign ? [] : this.#unlock(key, plan.unlocks);
      const result = await this.#table.transact([
        ...unlock,
        conclusionWrite(this.#table, id, key, plan, unchangedState(known?.state)),
        ...(hasEnded(state) ? [finishedWrite(this.#table, id, key)] : []),
        timelineWrite(this.#table, id, `${key}-${state}`, plan.entry),
        // Only actions on a target are in the audit log.
        ...(known?.resource === undefined ? [] : [incidentAuditWrite(this.#table, id, `${key}-${state}`, plan.entry)]),
      ]);
      if (result.ok) {
        if (known && hasEnded(state)) {
          await this.#observers.events.publish(id, 'effect.ended', { ...eventFields(known), outcome: state, actor });
          await this.#observers.counters.add([increment('firebreak_effects_total', known.kind, state)]);
        }
        return;
      } // otherwise another run of the step was faster
      isLockForeign ||= unlock.length > 0 && result.failed.includes(0);
    }
    throw new Error(`cannot conclude ${key} of ${id}: it changed during all ${TRIES} attempts; the step is retried`);
  }

  /** Releases the target's lock; fails if another effect has taken it over. */
  #unlock(key: string, resource: string | null): Write[] {
    if (resource === null) return [];
    return [
      this.#table.remove(keys.lock(resource), {
        ConditionExpression: 'attribute_not_exists(pk) OR #key = :key',
        ExpressionAttributeNames: { '#key': 'key' },
        ExpressionAttributeValues: { ':key': key },
      }),
    ];
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
      if (decision['outcome'] !== undefined) return;
      const effect = item && StoredEffect.parse(item);
      const state = { incident: StoredIncident.parse(incident), decision: Reasons.parse(decision), effect };
      const plan = planRollbackEnd(state, end, this.#clock.now());
      const unlock: Write[] = isLockForeign ? [] : this.#unlock(key, plan.effect?.unlocks ?? null);
      const result = await this.#table.transact([
        ...unlock,
        this.#table.update(keys.decision(id, number), {
          UpdateExpression: 'SET outcome = :outcome',
          ConditionExpression: 'attribute_not_exists(outcome)',
          ExpressionAttributeValues: { ':outcome': outcome },
        }),
        ...(plan.effect ? [conclusionWrite(this.#table, id, key, plan.effect)] : []),
        finishedWrite(this.#table, id, key),
        incidentAuditWrite(this.#table, id, `mitigation-${number}`, plan.logged),
        ...(plan.moved ? await this.#movedWrites(id, plan.moved, suspect) : []),
        ...(plan.report.kind === 'entry'
          ? [timelineWrite(this.#table, id, `mitigation-${number}`, plan.report.entry)]
          : postWrites(this.#table, plan.report.post)),
      ]);
      if (result.ok) {
        if (effect && plan.effect)
          await this.#observers.events.publish(id, 'effect.ended', {
            ...eventFields(effect),
            outcome: plan.effect.state,
          });
        await this.#observers.events.publish(id, 'mitigation.ended', { decision: `${id}-${number}`, outcome });
        await this.#observers.counters.add([
          increment('firebreak_rollbacks_total', outcome),
          ...(effect && plan.effect ? [increment('firebreak_effects_total', effect.kind, plan.effect.state)] : []),
        ]);
        return;
      }
      isLockForeign ||= unlock.length > 0 && result.failed.includes(0);
    }
    throw new Error(
      `cannot conclude the rollback of incident ${id}: it changed during all ${TRIES} attempts; the step is retried`,
    );
  }

  /**
   * Records the rollback as a change, or adds to the record that the deploying system has made of it, and pins the version
   * that it removed.
   *
   * @param suspect points to the change
   */
  async #movedWrites(
    id: IncidentId,
    { change: input, pin }: NonNullable<RollbackEndPlan['moved']>,
    suspect: Item | undefined,
  ): Promise<Write[]> {
    const own = newChange(input, pin.pinned_at, id);
    const reported = suspect && (await this.#reported(own, suspectOf(suspect, pin).started_at));
    const change = reported?.change ?? own;
    return [
      ...(reported ? liveAgainWrites(this.#table, reported.item, change) : changeWrites(this.#table, change)),
      ...pinWrites(this.#table, pin),
      projectionMarkWrite(this.#table, `change:${change.id}`, pin.pinned_at),
      projectionMarkWrite(this.#table, pinsSubject(pin), pin.pinned_at),
      ...(suspect
        ? [
            // Raise `rev`, so that a concurrent patch of the record does not undo this.
            this.#table.update(keyPointedTo(suspect), {
              UpdateExpression: 'SET rolled_back_by = :id ADD rev :one',
              ExpressionAttributeValues: { ':id': id, ':one': 1 },
            }),
            rollupMarkWrite(this.#table, suspectOf(suspect, pin)),
          ]
        : []),
    ];
  }

  /** Returns the record that the deploying system has made of a rollback. */
  async #reported(own: Change, after: Timestamp): Promise<{ item: Item; change: Change } | undefined> {
    const newest = this.#table.each(keys.changes(own).pk, '', { newestFirst: true, limit: CHANGES_SEARCHED });
    const items = await collect(newest, (item) => item);
    const found = reportedRollback(
      items.map((item) => StoredChange.parse(item)),
      own,
      after,
    );
    const item = items.find(({ id }) => id === found?.before.id);
    return found && item && { item, change: found.change };
  }

  async rollbacksSince(serviceEnvironment: ServiceEnvironment, since: Timestamp): Promise<number> {
    let count = 0;
    for await (const _ of this.#table.each(keys.acts(serviceEnvironment).pk, '', { from: since })) count += 1;
    return count;
  }
}

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
  table: Table,
  id: IncidentId,
  key: string,
  { state, detail }: Pick<EffectEnd, 'state' | 'detail'>,
  { condition, values }: ReturnType<typeof unchangedState> = { condition: undefined, values: {} },
): Write =>
  table.update(keys.effect(id, key), {
    UpdateExpression: 'SET #state = :state, detail = :detail',
    ...(condition && { ConditionExpression: condition }),
    ExpressionAttributeNames: { '#state': 'state' },
    ExpressionAttributeValues: { ':state': state, ':detail': detail, ...values },
  });

const unchangedState = (
  state: Effect['state'] | undefined,
): { condition: string | undefined; values: Record<string, Effect['state']> } =>
  state === undefined
    ? { condition: 'attribute_not_exists(#state)', values: {} }
    : { condition: '#state = :was', values: { ':was': state } };

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
