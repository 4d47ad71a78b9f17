import * as z from 'zod';
import type { Known } from '../../../domain/rollback/guard.ts';
import { whyStopped } from '../../../domain/rollback/guards.ts';
import { one } from '../../../domain/incidents/metrics.ts';
import { postOf } from '../../../domain/incidents/post.ts';
import type { IncidentEventFields } from '../../../domain/incidents/incident-events.ts';
import type { ServiceEnvironment } from '../../../domain/ports/common.ts';
import type { Act, Effects, RollbackEnd } from '../../../domain/ports/decisions.ts';
import type { Clock, Counters } from '../../../domain/ports/system.ts';
import { fewestOf } from '../../../domain/alerts/senders.ts';
import { standInNote } from '../../../domain/catalogue/vendors.ts';
import { type Effect, type IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Reason } from '../../../schemas/incidents/reason.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { plusSeconds, Timestamp } from '../../../schemas/time/time.ts';
import { StoredDecision, StoredEffect, StoredIncident } from '../../../schemas/incidents/stored-records.ts';
import { changeWrites, keyOfChange, newChange } from '../changes/changes.ts';
import { incidentActWrite } from '../audit/act-entries.ts';
import { finishedWrite, unfinishedWrite } from '../changes/backlog.ts';
import { uncounted } from '../core/counters.ts';
import { type IncidentLog, unlogged } from './incident-log.ts';
import { keys } from '../core/keys.ts';
import { postWrites, timelineWrite } from './inbox.ts';
import { markWrite } from './projections.ts';
import { pinWrites } from '../changes/pins.ts';
import { expiresAfter, RETENTION_DAYS } from '../core/retention.ts';
import { absent, type Item, type Table, type Write } from '../core/table.ts';

/** A lock older than this is considered abandoned. Longer than any rollback is followed. */
const LOCK_SECONDS = 3 * 3600;
const TRIES = 20;

/** Automatic actions of the last hour, with the senders of their alerts. */
const SentActs = z.array(z.object({ at: Timestamp, senders: z.array(z.string()) }));
type SentActs = z.infer<typeof SentActs>;
type PaceRow = { times: Timestamp[]; acts: SentActs; rev: number };

const Timestamps = z.array(Timestamp);

export class EffectTable implements Effects {
  readonly #table: Table;
  readonly #clock: Clock;

  readonly #counters: Pick<Counters, 'add'>;
  readonly #events: Pick<IncidentLog, 'tell'>;

  constructor(
    table: Table,
    clock: Clock,
    counters: Pick<Counters, 'add'> = uncounted,
    events: Pick<IncidentLog, 'tell'> = unlogged,
  ) {
    this.#table = table;
    this.#clock = clock;
    this.#counters = counters;
    this.#events = events;
  }

  async get(id: IncidentId, key: string): Promise<Effect | undefined> {
    const item = await this.#table.get(keys.effect(id, key));
    return item && StoredEffect.parse(item);
  }

  async intend(id: IncidentId, intent: Omit<Effect, 'state' | 'at'>, also: { page?: number } = {}): Promise<Effect> {
    const effect: Effect = { ...marked(intent), state: 'intended', at: this.#clock.now() };
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
    const [kept] = await Promise.all([
      this.get(id, intent.key),
      ok && this.#events.tell(id, 'effect.started', named(effect)),
    ]);
    if (kept === undefined) throw new Error(`cannot store or read the intent of ${intent.key}`);
    return kept;
  }

  async intendAct(
    id: IncidentId,
    intent: Omit<Effect, 'state' | 'at'>,
    act: Act,
  ): Promise<{ ok: true; effect: Effect } | { ok: false; reason: Reason }> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const at = this.#clock.now();
      const effect: Effect = {
        ...marked(intent),
        service_environment: act.place,
        resource: act.resource,
        state: 'intended',
        at,
      };
      const pace = await this.#pace(at);
      const counted = {
        agreement: act.automatic ? 'none' : 'approved',
        organisation_rollbacks_last_hour: pace.times.length,
        sender_rollbacks_last_hour: fewestOf(pace.acts, act.senders ?? []),
      } as const;
      const limited = whyStopped('record', { ...counted, locked_by: null, incident_open: true });
      if (limited !== undefined) {
        const known = await this.get(id, intent.key);
        return known ? { ok: true, effect: known } : { ok: false, reason: limited };
      }
      const result = await this.#table.transact([
        ...this.#intentWrites(id, effect, act, at),
        ...(act.automatic ? [this.#paceWrite(pace, at, act.senders ?? [])] : []),
      ]);
      if (result.ok) {
        await this.#events.tell(id, 'effect.started', named(effect));
        return { ok: true, effect };
      }
      const again = await this.get(id, intent.key);
      if (again) return { ok: true, effect: again };
      const lock = result.failed.includes(1) ? await this.#table.get(keys.lock(act.resource)) : undefined;
      const stopped = whyStopped('record', {
        ...counted,
        locked_by: result.failed.includes(1) ? holderOf(lock, id) : null,
        incident_open: !result.failed.includes(2),
      });
      if (stopped !== undefined) return { ok: false, reason: stopped };
      // Another automatic action was counted in the meantime.
    }
    throw new Error(`the count of automatic actions changed during all ${TRIES} attempts; the step is retried`);
  }

  #intentWrites(id: IncidentId, effect: Effect, { place, resource, isProposed: ours }: Act, at: Timestamp): Write[] {
    const { key, kind, detail, target } = effect;
    const started = {
      at,
      actor: 'firebreak',
      kind: kind === 'roll-back' ? 'rollback.started' : `${kind}.started`,
      text: detail,
      detail: { key, target },
    };
    return [
      this.#table.put({ ...keys.effect(id, key), ...effect }, absent),
      this.#table.put(
        { ...keys.lock(resource), key, incident_id: id, until: plusSeconds(at, LOCK_SECONDS) },
        {
          ConditionExpression: 'attribute_not_exists(pk) OR #key = :key OR #until < :now',
          ExpressionAttributeNames: { '#key': 'key', '#until': 'until' },
          ExpressionAttributeValues: { ':key': key, ':now': at },
        },
      ),
      this.#table.update(keys.incident(id), {
        UpdateExpression: 'SET #status = :mitigating',
        ConditionExpression: '#status <> :resolved',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':mitigating': 'mitigating', ':resolved': 'resolved' },
      }),
      ...(effect.kind === 'roll-back'
        ? [this.#table.put({ ...keys.act(place, at, key), incident_id: id, ...expiresAfter(at, RETENTION_DAYS.act) })]
        : []),
      ...(ours ? [this.#table.put({ ...keys.deed(place.service, at, key), incident_id: id, key })] : []),
      timelineWrite(this.#table, id, key, started),
      incidentActWrite(this.#table, id, key, started),
      unfinishedWrite(this.#table, id, effect),
    ];
  }

  async automaticSince(since: Timestamp, senders?: readonly string[]): Promise<number> {
    const { times, acts } = await this.#pace(this.#clock.now());
    if (senders === undefined) return times.filter((at) => at >= since).length;
    return fewestOf(
      acts.filter(({ at }) => at >= since),
      senders,
    );
  }

  /**
   * Reads when automatic actions began within the last hour, and the revision of the row, which detects concurrent
   * counts.
   */
  async #pace(now: Timestamp): Promise<PaceRow> {
    const row = await this.#table.get(keys.pace());
    const since = plusSeconds(now, -3600);
    const times = Timestamps.parse(row?.['times'] ?? []).filter((at) => at > since);
    const acts = SentActs.parse(row?.['acts'] ?? []).filter(({ at }) => at > since);
    return { times, acts, rev: Number(row?.['rev'] ?? 0) };
  }

  #paceWrite({ times, acts, rev }: PaceRow, at: Timestamp, senders: readonly string[]): Write {
    return this.#table.put(
      { ...keys.pace(), times: [...times, at], acts: [...acts, { at, senders }], rev: rev + 1 },
      {
        ConditionExpression: rev === 0 ? 'attribute_not_exists(pk)' : 'rev = :rev',
        ...(rev === 0 ? {} : { ExpressionAttributeValues: { ':rev': rev } }),
      },
    );
  }

  async record(id: IncidentId, effect: Omit<Effect, 'at'>): Promise<void> {
    const at = this.#clock.now();
    const { key, kind, state, detail } = marked(effect);
    const said = { at, actor: 'firebreak', kind: `${kind}.${state}`, text: detail, detail: { key } };
    const { ok } = await this.#table.transact([
      this.#table.put({ ...keys.effect(id, key), ...effect, detail, at }, absent),
      timelineWrite(this.#table, id, `${key}-${state}`, said),
    ]);
    if (ok && isOver(state)) {
      await this.#events.tell(id, 'effect.ended', { ...named(effect), outcome: state });
      await this.#counters.add([one('firebreak_effects_total', kind, state)]);
    }
  }

  async conclude(
    id: IncidentId,
    key: string,
    state: Effect['state'],
    text: string,
    actor = 'firebreak',
  ): Promise<void> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const at = this.#clock.now();
      const item = await this.get(id, key);
      if (item?.state === state) return;
      const { detail } = item === undefined ? { detail: text } : marked({ ...item, detail: text });
      const said = { at, actor, kind: `${item?.kind ?? 'effect'}.${state}`, text: detail, detail: { key } };
      const { ok } = await this.#table.transact([
        concluded(this.#table, id, key, state, detail, stillIn(item?.state)),
        // An accepted effect is still in progress, so the target stays locked.
        ...(state === 'accepted' ? [] : await this.#unlock(key, item?.resource)),
        ...(isOver(state) ? [finishedWrite(this.#table, id, key)] : []),
        timelineWrite(this.#table, id, `${key}-${state}`, said),
        // Only actions on a target are in the audit log.
        ...(item?.resource === undefined ? [] : [incidentActWrite(this.#table, id, `${key}-${state}`, said)]),
      ]);
      if (ok) {
        if (item && isOver(state)) {
          await this.#events.tell(id, 'effect.ended', { ...named(item), outcome: state, actor });
          await this.#counters.add([one('firebreak_effects_total', item.kind, state)]);
        }
        return;
      } // otherwise another run of the step was faster
    }
    throw new Error(`cannot conclude ${key} of ${id}: it changed during all ${TRIES} attempts; the step is retried`);
  }

  /** Releases the target's lock if this effect holds it. */
  async #unlock(key: string, resource: string | undefined): Promise<Write[]> {
    if (resource === undefined) return [];
    const lock = await this.#table.get(keys.lock(resource));
    return lock?.['key'] === key ? [this.#table.remove(keys.lock(resource))] : [];
  }

  async concludeRollback(id: IncidentId, end: RollbackEnd): Promise<void> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const item = await this.#table.get(keys.incident(id));
      const decision = await this.#table.get(keys.decision(id, end.number));
      if (item === undefined || decision === undefined)
        throw new Error(`incident ${id} or its decision ${end.number} does not exist`);
      if (decision['outcome'] !== undefined) return;
      const result = await this.#table.transact(
        await this.#endWrites(StoredIncident.parse(item), inWords(end, decision)),
      );
      if (result.ok) {
        const effect = await this.get(id, end.key);
        if (effect) await this.#events.tell(id, 'effect.ended', { ...named(effect), outcome: effect.state });
        const ended = { decision: `${id}-${end.number}`, outcome: end.outcome };
        await this.#events.tell(id, 'mitigation.ended', ended);
        await this.#counters.add([
          one('firebreak_rollbacks_total', end.outcome),
          ...(effect ? [one('firebreak_effects_total', effect.kind, effect.state)] : []),
        ]);
        return;
      }
    }
    throw new Error(
      `cannot conclude the rollback of incident ${id}: it changed during all ${TRIES} attempts; the step is retried`,
    );
  }

  async #endWrites(incident: IncidentRecord, end: RollbackEnd): Promise<Write[]> {
    const { id } = incident;
    const at = this.#clock.now();
    const effect = await this.get(id, end.key);
    const succeeded = end.outcome === 'succeeded';
    const { detail: text } = effect === undefined ? { detail: end.text } : marked({ ...effect, detail: end.text });
    const timeline = {
      actor: 'firebreak',
      kind: `mitigation.${end.outcome}`,
      text,
      detail: { key: end.key, decision: `${id}-${end.number}` },
    };
    const pinned = end.moved && { pinned: end.moved.from, rolled_back_to: end.moved.to, ...end.place };
    const logged = { ...timeline, at, detail: { ...timeline.detail, ...pinned } };
    return [
      this.#table.update(keys.decision(id, end.number), {
        UpdateExpression: 'SET outcome = :outcome',
        ConditionExpression: 'attribute_not_exists(outcome)',
        ExpressionAttributeValues: { ':outcome': end.outcome },
      }),
      ...(effect ? [concluded(this.#table, id, end.key, EFFECT_STATES[end.outcome] ?? 'failed', text)] : []),
      ...(await this.#unlock(end.key, effect?.resource)),
      finishedWrite(this.#table, id, end.key),
      incidentActWrite(this.#table, id, `mitigation-${end.number}`, logged),
      ...(end.moved ? await this.#movedWrites(id, end.place, end.moved, effect?.at ?? at, at) : []),
      ...(incident.status === 'resolved'
        ? [timelineWrite(this.#table, id, `mitigation-${end.number}`, { ...timeline, at })]
        : postWrites(
            this.#table,
            postOf(
              incident,
              {
                kind: 'mitigation',
                number: end.number,
                outcome: end.outcome,
                page: end.page,
                ...(end.again && { again: end.again }),
              },
              at,
              {
                ...(succeeded
                  ? { status: 'mitigated', verification: 'pending', verifying: { number: end.number, at } }
                  : effect !== undefined && incident.status === 'mitigating' // otherwise another rollback of the incident is in progress
                    ? { status: 'open' }
                    : {}),
                timeline,
              },
            ),
          )),
    ];
  }

  /** Records the rollback as a change, and pins the version that it removed, so that it is not a target again. */
  async #movedWrites(
    id: IncidentId,
    place: ServiceEnvironment,
    moved: NonNullable<RollbackEnd['moved']>,
    startedAt: Timestamp,
    at: Timestamp,
  ): Promise<Write[]> {
    const suspect = await keyOfChange(this.#table, moved.suspect);
    const change = newChange(
      {
        ...place,
        version: moved.to,
        kind: 'rollback',
        status: 'succeeded',
        started_at: startedAt,
        finished_at: at,
        previous_version: moved.from,
        has_migration: false,
      },
      at,
      id,
    );
    return [
      ...changeWrites(this.#table, change),
      ...pinWrites(this.#table, {
        ...place,
        version: moved.from,
        rolled_back_to: moved.to,
        incident_id: id,
        reason: `rolled back to ${moved.to}`,
        pinned_at: at,
      }),
      markWrite(this.#table, `change:${change.id}`, at),
      ...(suspect
        ? [
            // Raise `rev`, so that a concurrent patch of the record does not undo this.
            this.#table.update(suspect, {
              UpdateExpression: 'SET rolled_back_by = :id ADD rev :one',
              ExpressionAttributeValues: { ':id': id, ':one': 1 },
            }),
          ]
        : []),
    ];
  }

  async rollbacksSince(place: ServiceEnvironment, since: Timestamp): Promise<number> {
    let count = 0;
    for await (const _ of this.#table.each(keys.acts(place).pk, '', { from: since })) count += 1;
    return count;
  }
}

/** Log fields of an effect, without its target: the address may contain a secret. */
const named = ({ key, kind, stand_in }: Pick<Effect, 'key' | 'kind' | 'stand_in'>): IncidentEventFields => ({
  effect: key,
  kind,
  ...(stand_in && { stand_in }),
});

/** Notes in the detail that the effect goes to a stand-in, if so. */
const marked = <T extends Pick<Effect, 'kind' | 'detail' | 'stand_in'>>(effect: T): T =>
  effect.stand_in === true ? { ...effect, detail: effect.detail + standInNote(effect.kind) } : effect;

const concluded = (
  table: Table,
  id: IncidentId,
  key: string,
  state: Effect['state'],
  detail: string,
  { condition, values }: ReturnType<typeof stillIn> = { condition: undefined, values: {} },
): Write =>
  table.update(keys.effect(id, key), {
    UpdateExpression: 'SET #state = :state, detail = :detail',
    ...(condition && { ConditionExpression: condition }),
    ExpressionAttributeNames: { '#state': 'state' },
    ExpressionAttributeValues: { ':state': state, ':detail': detail, ...values },
  });

const isOver = (state: Effect['state']): boolean => state !== 'intended' && state !== 'accepted';

const stillIn = (
  state: Effect['state'] | undefined,
): { condition: string | undefined; values: Record<string, Effect['state']> } =>
  state === undefined
    ? { condition: 'attribute_not_exists(#state)', values: {} }
    : { condition: '#state = :was', values: { ':was': state } };

const EFFECT_STATES: Partial<Record<RollbackEnd['outcome'], Effect['state']>> = {
  succeeded: 'succeeded',
  superseded: 'superseded',
  withheld: 'withheld',
};

/** Returns the holder of a lock. A lock that was released in the meantime counts as that of another incident. */
const holderOf = (lock: Item | undefined, id: IncidentId): Known['record']['locked_by'] =>
  lock?.['drill_id'] !== undefined ? 'drill' : lock?.['incident_id'] === id ? 'this_incident' : 'another_incident';

/** Replaces the code of the reason by its text on the timeline; the decision keeps the code. */
function inWords(end: RollbackEnd, decision: Item): RollbackEnd {
  const { data } = StoredDecision.pick({ because: true, reasons: true }).safeParse(decision);
  const why = data?.reasons[0]?.text;
  if (end.outcome !== 'not_taken' || data === undefined || why === undefined) return end;
  return { ...end, text: end.text.replace(data.because, () => why) };
}
