import { canonicalJson, sha256 } from '../../../aws/hash.ts';
import type { Answered, StepQuestion, Decisions } from '../../../domain/ports/decisions.ts';
import { isAmong, isApprover } from '../../../domain/rollback/approvals.ts';
import { inForce } from '../../../domain/changes/cleared-suspects.ts';
import type { Decision, DecisionInputs } from '../../../domain/rollback/judgement.ts';
import { withoutShadow } from '../../../domain/automation/shadow.ts';
import { NOBODY_OBJECTED } from '../../../schemas/incidents/incident.ts';
import type { DecisionState, DecisionView } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { type FakeStore, copy } from './store.ts';

export class FakeDecisions implements Decisions {
  readonly #store: FakeStore;

  constructor(store: FakeStore) {
    this.#store = store;
  }

  async keep(id: IncidentId, number: number, decision: Decision, inputs: DecisionInputs): Promise<DecisionView> {
    const dossier = this.#store.dossier(id);
    const known = dossier.decisions.get(number);
    if (known) return copy(known.view);
    const would = decision.kind === 'shadow' ? withoutShadow(inputs) : undefined;
    const view: DecisionView = {
      id: `${id}-${number}`,
      kind: decision.kind,
      because: decision.reasons[0]?.code ?? 'suspect',
      at: this.#store.clock.now(),
      digest: sha256(canonicalJson({ id, number, decision, inputs })),
      state: decision.kind === 'approve' ? 'waiting' : 'final',
      from_version: decision.from,
      to_version: decision.to,
      reasons: decision.reasons,
      answered_by: null,
      ...(would && { would }),
      target: decision.place,
      approvals: decision.approvals,
    };
    dossier.decisions.set(number, copy({ view, inputs, people: inputs.asked.approval?.people ?? null }));
    const told = decision.suspects.length > 0 || inForce(inputs.evidence.cleared).length > 0;
    const suspects = told ? decision.suspects : dossier.record.suspects;
    dossier.record = { ...dossier.record, suspects, mitigations: number };
    return copy(view);
  }

  async get(id: IncidentId, number: number): Promise<DecisionView | undefined> {
    return copy(this.#store.dossiers.get(id)?.decisions.get(number)?.view);
  }

  async inputs(id: IncidentId, number: number): Promise<DecisionInputs | undefined> {
    const found = this.#store.dossiers.get(id)?.decisions.get(number);
    return copy(found?.inputs) as DecisionInputs | undefined;
  }

  async await(id: IncidentId, number: number, bell: string): Promise<DecisionState> {
    const { record } = this.#store.dossier(id);
    record.callbacks = { ...record.callbacks, [`decision-${number}`]: bell };
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
    const dossier = this.#store.dossier(id);
    const found = [...dossier.decisions].find(([, { view }]) => view.digest === digest);
    if (found === undefined || dossier.record.status === 'resolved') return 'superseded';
    const [number, { view, people = null }] = found;
    if (view.state === 'waiting' && !isApprover(people, view.approvals, by)) return 'not_asked';
    if (view.state !== 'waiting') return view.state === answer && view.answered_by === by ? 'taken' : 'superseded';
    const { needed, given: before } = view.approvals;
    if (answer === 'approved') {
      if (isAmong(before, by)) return 'needs_another';
      view.approvals = { needed, given: [...before, by] };
      if (before.length + 1 < needed) {
        const at = this.#store.clock.now();
        dossier.timeline.push({ at, actor: by, kind: 'decision.agreed', text: note, detail: null });
        return 'taken';
      }
    }
    view.state = answer;
    view.answered_by = by;
    const timeline = { actor: by, kind: `decision.${answer}`, text: note, detail: null };
    this.#store.mail(dossier, { kind: 'answered', decision: `${id}-${number}`, by }, { timeline });
    return 'taken';
  }

  async ask(id: IncidentId, number: number, question: StepQuestion): Promise<DecisionView> {
    const dossier = this.#store.dossier(id);
    const known = dossier.decisions.get(number);
    if (known) return copy(known.view);
    const { text, reasons, place, people, approvals, given: agreed = [], inputs } = question;
    const view: DecisionView = {
      id: `${id}-${number}`,
      kind: 'approve',
      because: reasons[0]?.code ?? 'runbook_asks',
      at: this.#store.clock.now(),
      digest: sha256(canonicalJson({ id, number, question })),
      state: 'waiting',
      from_version: null,
      to_version: null,
      reasons,
      answered_by: null,
      question: text,
      target: place,
      approvals: { needed: approvals, given: [...agreed] },
    };
    dossier.decisions.set(number, copy({ view, inputs, people, asked: true }));
    return copy(view);
  }

  async outcome(id: IncidentId, number: number): ReturnType<Decisions['outcome']> {
    const found = this.#store.dossiers.get(id)?.decisions.get(number);
    if (found === undefined || !('asked' in found.inputs)) return undefined;
    return { asked: found.inputs.asked.by, outcome: found.outcome ?? null };
  }

  async expire(id: IncidentId, number: number, as: 'expired' | 'approved' = 'expired'): Promise<DecisionState> {
    const view = this.#store.dossier(id).decisions.get(number)?.view;
    if (view?.state === 'waiting') {
      view.state = as;
      view.answered_by = as === 'approved' ? NOBODY_OBJECTED : null;
    }
    return this.state(id, number);
  }
}
