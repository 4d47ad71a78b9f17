import { canonicalJson, sha256 } from '../../../aws/hash.ts';
import { newDecision, newQuestion, planAnswer, endWithoutAnswer } from '../../../domain/incidents/plan-decisions.ts';
import type { Answered, Decisions, StepQuestion } from '../../../domain/ports/decisions.ts';
import type { Decision, DecisionInputs } from '../../../domain/rollback/judgement.ts';
import { hasDigest } from '../../../domain/rollback/offers.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { DecisionState, DecisionView } from '../../../schemas/incidents/incident.ts';
import { type FakeStore, copy } from './store.ts';

export class FakeDecisions implements Decisions {
  readonly #store: FakeStore;

  constructor(store: FakeStore) {
    this.#store = store;
  }

  async keep(
    id: IncidentId,
    number: number,
    decision: Decision,
    inputs: DecisionInputs,
    answerSeconds?: number,
  ): Promise<DecisionView> {
    const { decisions, timeline } = this.#store.dossier(id);
    const known = decisions.get(number);
    if (known) return copy(known.view);
    const digest = sha256(canonicalJson({ id, number, decision, inputs }));
    const of = { id, number, at: this.#store.clock.now(), digest, answerSeconds };
    const { view, people, patch, entry } = newDecision(of, decision, inputs);
    decisions.set(number, copy({ view, inputs, people }));
    this.#store.patch(id, patch);
    timeline.push(entry);
    return copy(view);
  }

  async get(id: IncidentId, number: number): Promise<DecisionView | undefined> {
    return copy(this.#store.dossiers.get(id)?.decisions.get(number)?.view);
  }

  async inputs(id: IncidentId, number: number): Promise<DecisionInputs | undefined> {
    const found = this.#store.dossiers.get(id)?.decisions.get(number);
    return copy(found?.inputs) as DecisionInputs | undefined;
  }

  async await(id: IncidentId, number: number, callback: string): Promise<DecisionState> {
    const { record } = this.#store.dossier(id);
    record.callbacks = { ...record.callbacks, [`decision-${number}`]: callback };
    return this.state(id, number);
  }

  async markWrong(id: IncidentId, by: string, note: string): Promise<number> {
    const all = [...this.#store.dossier(id).decisions.values()].filter(({ view }) => view.kind === 'shadow');
    for (const one of all) one.view = { marked_wrong: { by, at: this.#store.clock.now(), note }, ...one.view };
    return all.length;
  }

  async state(id: IncidentId, number: number): Promise<DecisionState> {
    const found = this.#store.dossier(id).decisions.get(number);
    if (found === undefined) throw new Error(`incident ${id} has no decision ${number}`);
    return found.view.state;
  }

  async answer(
    id: IncidentId,
    digest: string,
    answer: 'approved' | 'rejected',
    by: string,
    note: string,
  ): Promise<Answered> {
    const { record, decisions, timeline } = this.#store.dossier(id);
    const found = [...decisions.values()].find(({ view }) => hasDigest(view, digest));
    if (found === undefined) return 'superseded';
    const plan = planAnswer(record, found, { digest, answer, by, note }, this.#store.clock.now());
    if (typeof plan === 'string') return plan;
    Object.assign(found.view, { approvals: plan.approvals, ...plan.choice });
    if (plan.kind === 'agrees') {
      timeline.push(plan.entry);
      return 'taken';
    }
    found.view.state = plan.state;
    found.view.answered_by = by;
    this.#store.post(plan.post);
    return 'taken';
  }

  async ask(id: IncidentId, number: number, question: StepQuestion): Promise<DecisionView> {
    const { decisions, timeline } = this.#store.dossier(id);
    const known = decisions.get(number);
    if (known) return copy(known.view);
    const digest = sha256(canonicalJson({ id, number, question }));
    const { view, people, entry } = newQuestion({ id, number, at: this.#store.clock.now(), digest }, question);
    decisions.set(number, copy({ view, inputs: question.inputs, people, asked: true }));
    timeline.push(entry);
    return copy(view);
  }

  async outcome(id: IncidentId, number: number): ReturnType<Decisions['outcome']> {
    const found = this.#store.dossiers.get(id)?.decisions.get(number);
    if (found === undefined || !('request' in found.inputs)) return undefined;
    return { requester: found.inputs.request.by, outcome: found.outcome ?? null };
  }

  async expire(id: IncidentId, number: number, as: 'expired' | 'approved' = 'expired'): Promise<DecisionState> {
    const { decisions, timeline } = this.#store.dossier(id);
    const view = decisions.get(number)?.view;
    const { state, answeredBy, entry, isOnTimeline } = endWithoutAnswer(id, number, as, this.#store.clock.now());
    if (view?.state === 'waiting') {
      Object.assign(view, { state, answered_by: answeredBy });
      if (isOnTimeline) timeline.push(entry);
    }
    return this.state(id, number);
  }
}
