import { newChange } from '../../../aws/table/changes/changes.ts';
import type { ServiceEnvironment } from '../../../domain/ports/common.ts';
import type { Act, Effects, RollbackEnd } from '../../../domain/ports/decisions.ts';
import type { IncidentChange } from '../../../domain/ports/incidents.ts';
import { whyStopped } from '../../../domain/rollback/guards.ts';
import { fewestOf } from '../../../domain/alerts/senders.ts';
import type { Effect, TimelineEntry } from '../../../schemas/incidents/incident.ts';
import type { Reason } from '../../../schemas/incidents/reason.ts';
import type { Message } from '../../../schemas/incidents/inbox.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { type FakeStore, copy, placeOf, type Dossier } from './store.ts';

const LOCK_SECONDS = 3 * 3600;

export class FakeEffects implements Effects {
  readonly #store: FakeStore;

  constructor(store: FakeStore) {
    this.#store = store;
  }

  async get(id: IncidentId, key: string): Promise<Effect | undefined> {
    return copy(this.#store.dossiers.get(id)?.effects.get(key));
  }

  async intend(id: IncidentId, intent: Omit<Effect, 'state' | 'at'>, also: { page?: number } = {}): Promise<Effect> {
    const dossier = this.#store.dossier(id);
    const known = dossier.effects.get(intent.key);
    if (known) return copy(known);
    const effect: Effect = { ...intent, state: 'intended', at: this.#store.clock.now() };
    dossier.effects.set(intent.key, effect);
    if (also.page !== undefined) dossier.record.pages = also.page;
    return copy(effect);
  }

  async intendAct(
    id: IncidentId,
    intent: Omit<Effect, 'state' | 'at'>,
    { place, resource, automatic, isProposed: ours, senders = [] }: Act,
  ): Promise<{ ok: true; effect: Effect } | { ok: false; reason: Reason }> {
    const dossier = this.#store.dossier(id);
    const known = dossier.effects.get(intent.key);
    if (known) return { ok: true, effect: copy(known) };
    const at = this.#store.clock.now();
    const lock = this.#store.locks.get(resource);
    const isLocked = lock !== undefined && lock.key !== intent.key && lock.until >= at;
    const reason = whyStopped('record', {
      agreement: automatic ? 'none' : 'approved',
      organisation_rollbacks_last_hour: await this.automaticSince(plusSeconds(at, -3600)),
      sender_rollbacks_last_hour: await this.automaticSince(plusSeconds(at, -3600), senders),
      locked_by: !isLocked ? null : lock.incident === id ? 'this_incident' : 'another_incident',
      incident_open: dossier.record.status !== 'resolved',
    });
    if (reason !== undefined) return { ok: false, reason };
    const effect: Effect = { ...intent, service_environment: place, resource, state: 'intended', at };
    dossier.effects.set(intent.key, effect);
    dossier.record.status = 'mitigating';
    const kind = intent.kind === 'roll-back' ? 'rollback.started' : `${intent.kind}.started`;
    dossier.timeline.push({ at, actor: 'firebreak', kind, text: intent.detail, detail: null });
    this.#store.locks.set(resource, { key: intent.key, incident: id, until: plusSeconds(at, LOCK_SECONDS) });
    if (intent.kind === 'roll-back') this.#store.acts.push({ place: placeOf(place), at });
    if (automatic) this.#store.paces.push({ at, senders });
    if (ours) this.#store.deeds.push({ service: place.service, incident: id, key: intent.key, at, wrong: false });
    return { ok: true, effect: copy(effect) };
  }

  async automaticSince(since: Timestamp, senders?: readonly string[]): Promise<number> {
    const acts = this.#store.paces.filter(({ at }) => at > since);
    return senders === undefined ? acts.length : fewestOf(acts, senders);
  }

  async record(id: IncidentId, effect: Omit<Effect, 'at'>): Promise<void> {
    const dossier = this.#store.dossier(id);
    if (dossier.effects.has(effect.key)) return;
    const at = this.#store.clock.now();
    dossier.effects.set(effect.key, { ...effect, at });
    const { kind, state, detail } = effect;
    dossier.timeline.push({ at, actor: 'firebreak', kind: `${kind}.${state}`, text: detail, detail: null });
  }

  async conclude(id: IncidentId, key: string, state: Effect['state'], detail: string): Promise<void> {
    const dossier = this.#store.dossier(id);
    const effect = dossier.effects.get(key);
    if (effect === undefined || effect.state === state) return;
    dossier.effects.set(key, { ...effect, state, detail });
    if (state !== 'accepted' && this.#store.locks.get(effect.resource ?? '')?.key === key)
      this.#store.locks.delete(effect.resource ?? '');
    const at = this.#store.clock.now();
    dossier.timeline.push({ at, actor: 'firebreak', kind: `${effect.kind}.${state}`, text: detail, detail: null });
  }

  async concludeRollback(id: IncidentId, end: RollbackEnd): Promise<void> {
    const dossier = this.#store.dossier(id);
    const decision = dossier.decisions.get(end.number);
    if (decision === undefined) throw new Error(`incident ${id} or its decision ${end.number} does not exist`);
    if (decision.outcome !== undefined) return;
    decision.outcome = end.outcome;
    const effect = dossier.effects.get(end.key);
    if (effect) dossier.effects.set(end.key, { ...effect, state: stateOf(end.outcome), detail: end.text });
    const resource = effect?.resource ?? '';
    if (this.#store.locks.get(resource)?.key === end.key) this.#store.locks.delete(resource);
    if (end.moved) this.#move(id, end.place, end.moved, effect?.at ?? this.#store.clock.now());
    const timeline = { actor: 'firebreak', kind: `mitigation.${end.outcome}`, text: end.text, detail: null };
    if (dossier.record.status === 'resolved') dossier.timeline.push({ ...timeline, at: this.#store.clock.now() });
    else this.#tell(dossier, end, timeline);
  }

  #tell(dossier: Dossier, end: RollbackEnd, timeline: Omit<TimelineEntry, 'at'>): void {
    const change: IncidentChange =
      end.outcome === 'succeeded'
        ? {
            status: 'mitigated',
            verification: 'pending',
            verifying: { number: end.number, at: this.#store.clock.now() },
          }
        : dossier.effects.has(end.key) && dossier.record.status === 'mitigating'
          ? { status: 'open' }
          : {};
    const { number, outcome, page, again } = end;
    const message: Message = { kind: 'mitigation', number, outcome, page, ...(again && { again }) };
    this.#store.mail(dossier, message, { ...change, timeline });
  }

  #move(
    id: IncidentId,
    place: ServiceEnvironment,
    moved: NonNullable<RollbackEnd['moved']>,
    started_at: Timestamp,
  ): void {
    const at = this.#store.clock.now();
    const versions = { version: moved.to, previous_version: moved.from, kind: 'rollback' as const };
    const change = newChange({ ...place, ...versions, started_at, finished_at: at, has_migration: false }, at, id);
    this.#store.changes.set(change.id, change);
    const suspect = this.#store.changes.get(moved.suspect);
    if (suspect) this.#store.changes.set(suspect.id, { ...suspect, rolled_back_by: id });
    this.#store.pins.push({
      ...place,
      id: `pin_${moved.from}_${id}`,
      version: moved.from,
      rolled_back_to: moved.to,
      incident_id: id,
      reason: `rolled back to ${moved.to}`,
      pinned_at: at,
      lifted_at: null,
      lifted_by: null,
    });
  }

  async rollbacksSince(place: ServiceEnvironment, since: Timestamp): Promise<number> {
    return this.#store.acts.filter((act) => act.place === placeOf(place) && act.at >= since).length;
  }
}

const stateOf = (outcome: RollbackEnd['outcome']): Effect['state'] =>
  outcome === 'succeeded' || outcome === 'superseded' || outcome === 'withheld' ? outcome : 'failed';
