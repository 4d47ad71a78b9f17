import * as z from 'zod';
import { MitigationOutcome } from '../../../schemas/incidents/inbox.ts';
import { increment } from '../../domain/incidents/metrics.ts';
import {
  type AnswerPlan,
  newDecision,
  newQuestion,
  planAnswer,
  endWithoutAnswer,
  planWithdrawal,
} from '../../domain/incidents/plan-decisions.ts';
import type { Answered, Decisions, StepQuestion, Withdrawal } from '../../domain/ports/decisions.ts';
import type { Blobs, Clock } from '../../domain/ports/system.ts';
import type { Decision, DecisionInputs } from '../../domain/rollback/judgement.ts';
import { basisOf } from '../../domain/rollback/basis.ts';
import { hasDigest } from '../../domain/rollback/offers.ts';
import { decide } from '../../domain/rollback/rollback.ts';
import { DecisionBasis } from '../../../schemas/incidents/decision-basis.ts';
import { DecisionState, type DecisionView } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { StoredDecision, StoredIncident } from '../../../schemas/incidents/stored-records.ts';
import { canonicalJson, sha256 } from '../../stores/hash.ts';
import { incidentAuditWrite } from '../audit/audit-writes.ts';
import { type Observers, unobserved } from './observers.ts';
import { keys } from '../../stores/keys.ts';
import { patchWrite, postWrites, storeCallback, timelineWrite } from './inbox.ts';
import { collect, type Table } from '../../stores/table.ts';
import { absent, allOf, anyOf, equals, missing, present, put, update, type Write } from '../../../platforms/store.ts';

/** Above this, the inputs of a decision are stored in a blob; an item holds at most 400 KB. */
const INPUTS_MAX_BYTES = 64 * 1024;

const TRIES = 20;

/** Absent in decisions of older versions. */
const StoredRequester = z.enum(['alert', 'person', 'none', 'runbook', 'verification']).catch('none');

/** Who may answer. Null: everyone who may approve. */
const People = z.array(z.string()).nullable().catch(null);

export class DecisionTable implements Decisions {
  readonly #table: Table;
  readonly #blobs: Blobs;
  readonly #clock: Clock;
  readonly #observers: Observers;

  constructor(table: Table, blobs: Blobs, clock: Clock, observers: Observers = unobserved) {
    this.#table = table;
    this.#blobs = blobs;
    this.#clock = clock;
    this.#observers = observers;
  }

  async keep(
    id: IncidentId,
    number: number,
    decision: Decision,
    inputs: DecisionInputs,
    answerSeconds?: number,
  ): Promise<DecisionView | null> {
    const at = this.#clock.now();
    const digest = sha256(canonicalJson({ id, number, decision, inputs }));
    const { view, people, patch, entry } = newDecision(
      { id, number, at, digest, answerSeconds, unmatched: inputs.matched ? null : await this.#unmatchedName(id) },
      decision,
      inputs,
    );
    const result = await this.#table.transact([
      put(
        {
          ...keys.decision(id, number),
          number,
          ...view,
          onset: decision.onset,
          requested_by: inputs.request.by,
          people,
          basis: basisOf(decision, inputs),
          ...(await this.#inputs(id, number, inputs)),
        },
        absent,
      ),
      patchWrite(id, patch),
      timelineWrite(id, `decision-${number}`, entry),
    ]);
    if (result.ok) {
      const { kind, because: reason, from_version, to_version } = view;
      await this.#observers.events.publish(id, 'decision.made', {
        decision: view.id,
        kind,
        reason,
        from_version,
        to_version,
      });
      if (view.state === 'waiting') {
        await this.#observers.events.publish(id, 'approval.requested', { decision: view.id, reason });
        await this.#observers.counters.add([increment('firebreak_approvals_requested_total')]);
      }
      await this.#show(id, view);
      return view;
    }
    const [first, incident] = await this.#table.getAll([keys.decision(id, number), keys.incident(id)]);
    if (first !== undefined) {
      const stored = StoredDecision.parse(first);
      await this.#show(id, stored);
      return stored;
    }
    if (incident?.['status'] === 'resolved') return null;
    throw new Error(`cannot store or read decision ${number} of incident ${id}`);
  }

  /** Returns the name that alerts of no known service gave. */
  async #unmatchedName(id: IncidentId): Promise<string | null> {
    const item = await this.#table.get(keys.incident(id));
    return item === undefined ? null : StoredIncident.parse(item).unmatched;
  }

  /** A rollback does not wait for it: the message that outdates the page follows, beside the rollback. */
  async #show(id: IncidentId, { kind }: DecisionView): Promise<void> {
    if (kind !== 'roll_back') await this.#observers.shown.withGroup(id);
  }

  async ask(id: IncidentId, number: number, question: StepQuestion): Promise<DecisionView> {
    const at = this.#clock.now();
    const digest = sha256(canonicalJson({ id, number, question }));
    const { view, people, entry } = newQuestion({ id, number, at, digest }, question);
    const inputs = JSON.stringify(question.inputs);
    const { ok } = await this.#table.transact([
      // Approval continues the runbook that asks; it starts no mitigation of its own.
      put({ ...keys.decision(id, number), number, ...view, people, outcome: 'asked', inputs }, absent),
      timelineWrite(id, `decision-${number}`, entry),
    ]);
    if (ok) {
      await this.#observers.events.publish(id, 'approval.requested', { decision: view.id, reason: view.because });
    }
    await this.#observers.shown.withGroup(id);
    if (ok) return view;
    const stored = await this.get(id, number);
    if (stored === undefined) throw new Error(`cannot store or read question ${number} of incident ${id}`);
    return stored;
  }

  async outcome(id: IncidentId, number: number): ReturnType<Decisions['outcome']> {
    const item = await this.#table.get(keys.decision(id, number));
    if (item === undefined) return undefined;
    const outcome = item['outcome'] === undefined ? null : MitigationOutcome.parse(item['outcome']);
    return { requester: StoredRequester.parse(item['requested_by']), outcome };
  }

  async #inputs(
    id: IncidentId,
    number: number,
    inputs: DecisionInputs,
  ): Promise<{ inputs: string } | { inputs_blob: string }> {
    const json = JSON.stringify(inputs);
    if (Buffer.byteLength(json) <= INPUTS_MAX_BYTES) return { inputs: json };
    const key = `decisions/${id}/${number}.json`;
    await this.#blobs.put(key, json, 'application/json');
    return { inputs_blob: key };
  }

  async get(id: IncidentId, number: number): Promise<DecisionView | undefined> {
    const item = await this.#table.get(keys.decision(id, number));
    return item && StoredDecision.parse(item);
  }

  async inputs(id: IncidentId, number: number): Promise<DecisionInputs | undefined> {
    const item = await this.#table.get(keys.decision(id, number));
    if (item === undefined) return undefined;
    const json =
      typeof item['inputs'] === 'string'
        ? item['inputs']
        : Buffer.from((await this.#blobs.get(String(item['inputs_blob']))) ?? '').toString();
    return JSON.parse(json) as DecisionInputs;
  }

  async basis(id: IncidentId, number: number): Promise<DecisionBasis | null> {
    const item = await this.#table.get(keys.decision(id, number));
    const stored = DecisionBasis.safeParse(item?.['basis']);
    if (stored.success) return stored.data;
    if (item === undefined || item['question'] !== undefined) return null;
    // Stored before the basis was: the same inputs lead to the same decision, which its digest proves.
    const inputs = await this.inputs(id, number);
    if (inputs === undefined) return null;
    const decision = decide(inputs);
    return sha256(canonicalJson({ id, number, decision, inputs })) === item['digest']
      ? basisOf(decision, inputs)
      : null;
  }

  async await(id: IncidentId, number: number, callback: string): Promise<DecisionState> {
    await storeCallback(this.#table, id, `decision-${number}`, callback);
    return this.state(id, number);
  }

  async state(id: IncidentId, number: number): Promise<DecisionState> {
    const item = await this.#table.get(keys.decision(id, number));
    return DecisionState.parse(item?.['state']);
  }

  async answer(
    id: IncidentId,
    digest: string,
    answer: 'approved' | 'rejected',
    by: string,
    note: string,
  ): Promise<Answered> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const [found, incident] = await Promise.all([this.#withDigest(id, digest), this.#table.get(keys.incident(id))]);
      if (found === undefined) return 'superseded';
      const at = this.#clock.now();
      const { number, view } = found;
      const plan = planAnswer(incident && StoredIncident.parse(incident), found, { digest, answer, by, note }, at);
      if (typeof plan === 'string') return plan;
      const key =
        plan.kind === 'agrees' ? `decision-${number}-${sha256(by).slice(0, 16)}` : `decision-${number}-answered`;
      const { ok } = await this.#table.transact([
        this.#answered(id, number, view, plan, { by, note }),
        ...(plan.kind === 'agrees' ? [timelineWrite(id, key, plan.entry)] : postWrites(plan.post)),
        incidentAuditWrite(id, key, plan.entry),
      ]);
      if (!ok) continue;
      const outcome = plan.kind === 'agrees' ? 'agreed' : answer;
      await this.#observers.events.publish(id, 'approval.answered', { decision: view.id, outcome, actor: by });
      if (plan.kind === 'answers') await this.#observers.counters.add([increment('firebreak_approvals_total', answer)]);
      await this.#observers.shown.withGroup(id);
      return 'taken';
    }
    return 'superseded';
  }

  /** Returns the write of an answer, on condition that no one else has answered in the meantime. */
  #answered(
    id: IncidentId,
    number: number,
    { digest, approvals }: DecisionView,
    plan: AnswerPlan,
    { by, note }: { by: string; note: string },
  ): Write {
    return update(
      keys.decision(id, number),
      {
        set: {
          approvals: plan.approvals,
          ...plan.choice,
          ...(plan.kind === 'answers' && { state: plan.state, answered_by: by, answer_note: note }),
        },
      },
      allOf(
        equals('state', 'waiting'),
        equals('digest', digest),
        anyOf(equals('approvals', approvals), missing('approvals')),
      ),
    );
  }

  async #withDigest(
    id: IncidentId,
    digest: string,
  ): Promise<{ number: number; view: DecisionView; people: readonly string[] | null } | undefined> {
    for await (const item of this.#table.each(keys.incident(id).pk, { prefix: 'DEC#' })) {
      if (typeof item['digest'] !== 'string' || !digest.startsWith(item['digest'])) continue;
      const view = StoredDecision.parse(item);
      if (hasDigest(view, digest))
        return { number: Number(item['number']), view, people: People.parse(item['people'] ?? null) };
    }
    return undefined;
  }

  async markWrong(id: IncidentId, by: string, note: string): Promise<number> {
    const at = this.#clock.now();
    const decisions = await collect(this.#table.each(keys.incident(id).pk, { prefix: 'DEC#' }), (item) => item);
    const shadows = decisions.filter(({ kind }) => kind === 'shadow');
    for (const { number } of shadows)
      await this.#table.transact([
        update(
          keys.decision(id, Number(number)),
          { set: { marked_wrong: { by, at, note } } },
          allOf(present, missing('marked_wrong')),
        ),
      ]);
    return shadows.length;
  }

  async withdraw(id: IncidentId, number: number, withdrawal: Withdrawal): Promise<DecisionState> {
    const { by } = withdrawal;
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const [item, incident] = await this.#table.getAll([keys.decision(id, number), keys.incident(id)]);
      const view = StoredDecision.parse(item);
      const plan = planWithdrawal(StoredIncident.parse(incident), view, withdrawal, this.#clock.now());
      if (plan === null) {
        await this.#observers.shown.withGroup(id);
        return view.state;
      }
      const key = `decision-${number}-answered`;
      const { ok } = await this.#table.transact([
        update(
          keys.decision(id, number),
          { set: { state: 'withdrawn', answered_by: by, withdrawn: plan.withdrawn } },
          equals('state', 'waiting'),
        ),
        ...(plan.post === null ? [timelineWrite(id, key, plan.entry)] : postWrites(plan.post)),
        incidentAuditWrite(id, key, plan.entry),
      ]);
      if (!ok) continue;
      const outcome = 'withdrawn';
      await this.#observers.events.publish(id, 'approval.answered', { decision: view.id, outcome, actor: by });
      await this.#observers.counters.add([increment('firebreak_approvals_total', outcome)]);
      await this.#observers.shown.withGroup(id);
      return outcome;
    }
    throw new Error(`cannot withdraw question ${number} of incident ${id}: it changed during all ${TRIES} attempts`);
  }

  async expire(id: IncidentId, number: number, as: 'expired' | 'approved' = 'expired'): Promise<DecisionState> {
    const { state, answeredBy, entry, isOnTimeline } = endWithoutAnswer(id, number, as, this.#clock.now());
    const { ok } = await this.#table.transact([
      update(keys.decision(id, number), { set: { state, answered_by: answeredBy } }, equals('state', 'waiting')),
      ...(isOnTimeline ? [timelineWrite(id, `decision-${number}-agreed`, entry)] : []),
      incidentAuditWrite(id, `decision-${number}-${as}`, entry),
    ]);
    if (ok) {
      const outcome = as === 'approved' ? 'unopposed' : 'expired';
      await this.#observers.events.publish(id, 'approval.answered', {
        decision: `${id}-${number}`,
        outcome,
        actor: 'firebreak',
      });
      await this.#observers.counters.add([increment('firebreak_approvals_total', outcome)]);
    }
    await this.#observers.shown.withGroup(id);
    return ok ? state : this.state(id, number);
  }
}
