import { newChange } from '../../../aws/table/changes/changes.ts';
import { newPin } from '../../../aws/table/changes/pins.ts';
import { evidenceNameOf } from '../../../domain/incidents/evidence-name.ts';
import { fewestActionsOf } from '../../../domain/alerts/senders.ts';
import { reportedRollback } from '../../../domain/changes/own-rollback.ts';
import {
  completedEffect,
  withStandInNote,
  paceSince,
  planAction,
  planEnd,
  planRollbackEnd,
  type RollbackEndPlan,
} from '../../../domain/incidents/plan-effects.ts';
import type { ServiceEnvironment } from '../../../domain/ports/common.ts';
import type { IntendedAction, Effects, RollbackEnd } from '../../../domain/ports/decisions.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Effect } from '../../../schemas/incidents/incident.ts';
import type { Reason } from '../../../schemas/incidents/reason.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { type Dossier, type FakeStore, copy, targetKey } from './store.ts';

export class FakeEffects implements Effects {
  readonly #store: FakeStore;

  constructor(store: FakeStore) {
    this.#store = store;
  }

  async get(id: IncidentId, key: string): Promise<Effect | undefined> {
    return copy(this.#store.dossiers.get(id)?.effects.get(key));
  }

  async unfinished(kind: Effect['kind']): Promise<{ incident: IncidentId; effect: Effect }[]> {
    return [...this.#store.dossiers].flatMap(([incident, { effects }]) =>
      [...effects.values()]
        .filter((effect) => effect.kind === kind && effect.state === 'intended')
        .map((effect) => ({ incident, effect: copy(effect) })),
    );
  }

  async intend(id: IncidentId, intent: Omit<Effect, 'state' | 'at'>, also: { page?: number } = {}): Promise<Effect> {
    const dossier = this.#store.dossier(id);
    const known = dossier.effects.get(intent.key);
    if (known) return copy(known);
    const effect: Effect = { ...withStandInNote(intent), state: 'intended', at: this.#store.clock.now() };
    dossier.effects.set(intent.key, effect);
    if (also.page !== undefined) dossier.record.pages = also.page;
    return copy(effect);
  }

  async intendAction(
    id: IncidentId,
    intent: Omit<Effect, 'state' | 'at'>,
    act: IntendedAction,
  ): Promise<{ ok: true; effect: Effect } | { ok: false; reason: Reason }> {
    const store = this.#store;
    const { effects, timeline, record: incident } = store.dossier(id);
    const state = {
      known: effects.get(intent.key),
      incident,
      parent: incident.parent_id === undefined ? undefined : store.dossier(incident.parent_id).record,
      lock: store.locks.get(act.resource),
      pace: store.pace,
    };
    const plan = planAction(intent, act, state, store.clock.now());
    if (plan.kind === 'known') return { ok: true, effect: copy(plan.effect) };
    if (plan.kind === 'stopped') return { ok: false, reason: plan.reason };
    const { effect, entry, lock, pace, patch, parent } = plan;
    const { serviceEnvironment } = act;
    const { key, kind, at } = effect;
    effects.set(key, effect);
    store.evidenceDue.add(`${id}#${evidenceNameOf(id, key)}`);
    timeline.push(entry);
    store.patch(id, patch);
    if (parent !== null) store.patch(parent.id, parent.patch);
    store.locks.set(act.resource, lock);
    if (pace !== null) store.pace = pace;
    if (kind === 'roll-back') store.acts.push({ place: targetKey(serviceEnvironment), at });
    if (act.isProposed) store.deeds.push({ service: serviceEnvironment.service, incident: id, key, at, wrong: false });
    return { ok: true, effect: copy(effect) };
  }

  async automaticSince(since: Timestamp, senders?: readonly string[]): Promise<number> {
    const { times, acts } = paceSince(this.#store.pace, since);
    return senders === undefined ? times.length : fewestActionsOf(acts, senders);
  }

  async record(id: IncidentId, effect: Omit<Effect, 'at'>): Promise<void> {
    const { effects, timeline } = this.#store.dossier(id);
    if (effects.has(effect.key)) return;
    const { effect: whole, entry } = completedEffect(effect, this.#store.clock.now());
    effects.set(effect.key, whole);
    timeline.push(entry);
  }

  async conclude(
    id: IncidentId,
    key: string,
    state: Effect['state'],
    text: string,
    actor = 'firebreak',
  ): Promise<void> {
    const dossier = this.#store.dossier(id);
    const plan = planEnd(dossier.effects.get(key), { key, state, text, actor }, this.#store.clock.now());
    if (plan === null) return;
    this.#end(dossier, key, plan);
    dossier.timeline.push(plan.entry);
  }

  #end({ effects }: Dossier, key: string, { state, detail, unlocks }: NonNullable<RollbackEndPlan['effect']>): void {
    const known = effects.get(key);
    if (known !== undefined) effects.set(key, { ...known, state, detail });
    if (unlocks !== null && this.#store.locks.get(unlocks)?.key === key) this.#store.locks.delete(unlocks);
  }

  async concludeRollback(id: IncidentId, end: RollbackEnd): Promise<void> {
    const dossier = this.#store.dossier(id);
    const decision = dossier.decisions.get(end.number);
    if (decision === undefined) throw new Error(`incident ${id} or its decision ${end.number} does not exist`);
    if (decision.outcome !== undefined) return;
    const state = { incident: dossier.record, decision: decision.view, effect: dossier.effects.get(end.key) };
    const { effect, moved, report: told } = planRollbackEnd(state, end, this.#store.clock.now());
    decision.outcome = end.outcome;
    if (effect !== null) this.#end(dossier, end.key, effect);
    if (moved !== null) this.#move(id, moved);
    if (told.kind === 'entry') dossier.timeline.push(told.entry);
    else this.#store.post(told.post);
  }

  #move(id: IncidentId, { change: input, pin, suspect: of }: NonNullable<RollbackEndPlan['moved']>): void {
    const { changes, pins } = this.#store;
    const own = newChange(input, pin.pinned_at, id);
    const suspect = changes.get(of);
    const here = [...changes.values()].filter((one) => targetKey(one) === targetKey(own));
    const change = (suspect && reportedRollback(here, own, suspect.started_at)?.change) ?? own;
    changes.set(change.id, change);
    if (suspect) changes.set(of, { ...suspect, rolled_back_by: id });
    pins.push(newPin(pin));
  }

  async rollbacksSince(serviceEnvironment: ServiceEnvironment, since: Timestamp): Promise<number> {
    return this.#store.acts.filter((act) => act.place === targetKey(serviceEnvironment) && act.at >= since).length;
  }
}
