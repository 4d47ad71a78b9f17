import type { Clock, Effects, Place, RollbackEnd } from '../../domain/ports.ts';
import { Effect, IncidentRecord, type Reason } from '../../schemas/incident.ts';
import type { IncidentId } from '../../schemas/names.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time.ts';
import { changeWrites, keyOfChange, newChange } from './changes.ts';
import { keys } from './keys.ts';
import { mailWrites, timelineWrite } from './mail.ts';
import { markWrite } from './projections.ts';
import { absent, type Table, type Write } from './table.ts';

/** A lock whose holder has not concluded in this time is taken for forgotten. Longer than any rollback is followed. */
const LOCK_SECONDS = 3 * 3600;
const TRIES = 20;

export class EffectTable implements Effects {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async get(id: IncidentId, key: string): Promise<Effect | undefined> {
    const item = await this.#table.get(keys.effect(id, key));
    return item && Effect.parse(item);
  }

  async intend(id: IncidentId, intent: Omit<Effect, 'state' | 'at'>, also: { page?: number } = {}): Promise<Effect> {
    const effect: Effect = { ...intent, state: 'intended', at: this.#clock.now() };
    const page =
      also.page === undefined
        ? []
        : [
            this.#table.update(keys.incident(id), {
              UpdateExpression: 'SET pages = :page',
              ExpressionAttributeValues: { ':page': also.page },
            }),
          ];
    await this.#table.transact([this.#table.put({ ...keys.effect(id, intent.key), ...effect }, absent), ...page]);
    const kept = await this.get(id, intent.key);
    if (kept === undefined) throw new Error(`the intent of ${intent.key} could neither be kept nor read`);
    return kept;
  }

  async intendRollback(
    id: IncidentId,
    intent: Omit<Effect, 'state' | 'at'>,
    place: Place,
  ): Promise<{ ok: true; effect: Effect } | { ok: false; reason: Reason }> {
    const at = this.#clock.now();
    const effect: Effect = { ...intent, state: 'intended', at };
    const result = await this.#table.transact([
      this.#table.put({ ...keys.effect(id, intent.key), ...effect }, absent),
      this.#table.put(
        { ...keys.lock(place), key: intent.key, incident_id: id, until: plusSeconds(at, LOCK_SECONDS) },
        {
          ConditionExpression: 'attribute_not_exists(pk) OR #key = :key OR #until < :now',
          ExpressionAttributeNames: { '#key': 'key', '#until': 'until' },
          ExpressionAttributeValues: { ':key': intent.key, ':now': at },
        },
      ),
      this.#table.update(keys.incident(id), {
        UpdateExpression: 'SET #status = :mitigating',
        ConditionExpression: '#status <> :resolved',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':mitigating': 'mitigating', ':resolved': 'resolved' },
      }),
      this.#table.put({ ...keys.act(place, at, intent.key), incident_id: id }),
      timelineWrite(this.#table, id, intent.key, {
        at,
        actor: 'firebreak',
        kind: 'rollback.started',
        text: intent.detail,
        detail: { key: intent.key, target: intent.target },
      }),
    ]);
    if (result.ok) return { ok: true, effect };
    const again = await this.get(id, intent.key);
    if (again) return { ok: true, effect: again };
    if (!result.failed.includes(1)) return { ok: false, reason: CLOSED };
    const lock = await this.#table.get(keys.lock(place));
    return { ok: false, reason: lock?.['incident_id'] === id ? RUNNING : LOCKED };
  }

  async conclude(
    id: IncidentId,
    key: string,
    state: Effect['state'],
    detail: string,
    actor = 'firebreak',
  ): Promise<void> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const at = this.#clock.now();
      const item = await this.get(id, key);
      if (item?.state === state) return;
      const { ok } = await this.#table.transact([
        concluded(this.#table, id, key, state, detail, stillIn(item?.state)),
        timelineWrite(this.#table, id, `${key}-${state}`, {
          at,
          actor,
          kind: `${item?.kind ?? 'effect'}.${state}`,
          text: detail,
          detail: { key },
        }),
      ]);
      if (ok) return; // else another run of the step was faster
    }
    throw new Error(`${key} of ${id} changed ${TRIES} times while it was to be concluded; the step is tried again`);
  }

  async concludeRollback(id: IncidentId, end: RollbackEnd): Promise<void> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const item = await this.#table.get(keys.incident(id));
      const decision = await this.#table.get(keys.decision(id, end.number));
      if (item === undefined || decision === undefined)
        throw new Error(`incident ${id} or its decision ${end.number} is not in the table`);
      if (decision['outcome'] !== undefined) return;
      const result = await this.#table.transact(await this.#endWrites(IncidentRecord.parse(item), end));
      if (result.ok) return;
    }
    throw new Error(
      `incident ${id} changed ${TRIES} times while its rollback was to be concluded; the step is tried again`,
    );
  }

  async #endWrites(incident: IncidentRecord, end: RollbackEnd): Promise<Write[]> {
    const { id } = incident;
    const at = this.#clock.now();
    const effect = await this.get(id, end.key);
    const lock = await this.#table.get(keys.lock(end.place));
    const succeeded = end.outcome === 'succeeded';
    const timeline = {
      actor: 'firebreak',
      kind: `mitigation.${end.outcome}`,
      text: end.text,
      detail: { key: end.key, decision: `${id}-${end.number}` },
    };
    return [
      this.#table.update(keys.decision(id, end.number), {
        UpdateExpression: 'SET outcome = :outcome',
        ConditionExpression: 'attribute_not_exists(outcome)',
        ExpressionAttributeValues: { ':outcome': end.outcome },
      }),
      ...(effect ? [concluded(this.#table, id, end.key, EFFECT_STATES[end.outcome] ?? 'failed', end.text)] : []),
      ...(lock?.['key'] === end.key ? [this.#table.remove(keys.lock(end.place))] : []),
      ...(end.moved ? await this.#movedWrites(id, end.place, end.moved, effect?.at ?? at, at) : []),
      ...(incident.status === 'resolved'
        ? [timelineWrite(this.#table, id, `mitigation-${end.number}`, { ...timeline, at })]
        : mailWrites(
            this.#table,
            incident,
            { kind: 'mitigation', number: end.number, outcome: end.outcome, page: end.page },
            at,
            {
              ...(succeeded
                ? { status: 'mitigated', verification: 'pending' }
                : effect !== undefined && incident.status === 'mitigating' // else another of its rollbacks is at it
                  ? { status: 'open' }
                  : {}),
              timeline,
            },
          )),
    ];
  }

  /** The rollback is a change like any other, and the version it took out is no target any more. */
  async #movedWrites(
    id: IncidentId,
    place: Place,
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
      markWrite(this.#table, `change:${change.id}`, at),
      ...(suspect
        ? [
            // `rev` rises, so that a patch of the record under way at this moment does not undo it.
            this.#table.update(suspect, {
              UpdateExpression: 'SET rolled_back_by = :id ADD rev :one',
              ExpressionAttributeValues: { ':id': id, ':one': 1 },
            }),
          ]
        : []),
    ];
  }

  async rollbacksSince(place: Place, since: Timestamp): Promise<number> {
    let count = 0;
    for await (const _ of this.#table.each(keys.acts(place).pk, '', { from: since })) count += 1;
    return count;
  }
}

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

const LOCKED: Reason = { code: 'locked', text: 'another incident is rolling this service back at this moment' };
const RUNNING: Reason = { code: 'already_running', text: 'this incident is rolling it back already' };
const CLOSED: Reason = { code: 'incident_closed', text: 'the incident has been closed meanwhile' };
