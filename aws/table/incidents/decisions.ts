import * as z from 'zod';
import { MitigationOutcome } from '../../../schemas/incidents/inbox.ts';
import { one } from '../../../domain/incidents/metrics.ts';
import { postOf } from '../../../domain/incidents/post.ts';
import { isAmong, isApprover } from '../../../domain/rollback/approvals.ts';
import { inForce } from '../../../domain/changes/cleared-suspects.ts';
import type { Answered, Decisions, StepQuestion } from '../../../domain/ports/decisions.ts';
import type { Blobs, Clock, Counters } from '../../../domain/ports/system.ts';
import type { Decision, DecisionInputs } from '../../../domain/rollback/judgement.ts';
import { withoutShadow, wouldWords } from '../../../domain/automation/shadow.ts';
import { DecisionState, type DecisionView, NOBODY_OBJECTED } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { StoredDecision, StoredIncident } from '../../../schemas/incidents/stored-records.ts';
import { canonicalJson, sha256 } from '../../hash.ts';
import { incidentActWrite } from '../audit/act-entries.ts';
import { uncounted } from '../core/counters.ts';
import { type IncidentLog, unlogged } from './incident-log.ts';
import { keys } from '../core/keys.ts';
import { storeCallback, postWrites, timelineWrite } from './inbox.ts';
import { absent, collect, type Table, type Write } from '../core/table.ts';

/** Above this, the inputs of a decision are stored in a blob; an item holds at most 400 KB. */
const INPUTS_MAX_BYTES = 64 * 1024;

const TRIES = 20;

/** Absent in decisions of older versions. */
const AskedBy = z.enum(['alert', 'person', 'nobody', 'runbook', 'verification']).catch('nobody');

/** Fails if another person has approved in the meantime. */
const UNCHANGED = '(approvals = :before OR attribute_not_exists(approvals))';

export class DecisionTable implements Decisions {
  readonly #table: Table;
  readonly #blobs: Blobs;
  readonly #clock: Clock;

  readonly #counters: Pick<Counters, 'add'>;
  readonly #events: Pick<IncidentLog, 'tell'>;

  constructor(
    table: Table,
    blobs: Blobs,
    clock: Clock,
    counters: Pick<Counters, 'add'> = uncounted,
    events: Pick<IncidentLog, 'tell'> = unlogged,
  ) {
    this.#table = table;
    this.#blobs = blobs;
    this.#clock = clock;
    this.#counters = counters;
    this.#events = events;
  }

  async keep(id: IncidentId, number: number, decision: Decision, inputs: DecisionInputs): Promise<DecisionView> {
    const at = this.#clock.now();
    const people = inputs.asked.approval?.people ?? null;
    const would = decision.kind === 'shadow' ? withoutShadow(inputs) : undefined;
    const view: DecisionView = {
      id: `${id}-${number}`,
      kind: decision.kind,
      because: decision.reasons[0]?.code ?? 'suspect',
      at,
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
    // Earlier suspects stay visible when there are no new ones, unless a person has cleared them.
    const suspectsSet = decision.suspects.length > 0 || inForce(inputs.evidence.cleared).length > 0;
    const result = await this.#table.transact([
      this.#table.put(
        {
          ...keys.decision(id, number),
          number,
          ...view,
          onset: decision.onset,
          asked_by: inputs.asked.by,
          people,
          ...(await this.#inputs(id, number, inputs)),
        },
        absent,
      ),
      this.#table.update(keys.incident(id), {
        UpdateExpression: `SET ${suspectsSet ? 'suspects = :suspects, ' : ''}mitigations = :number`,
        ExpressionAttributeValues: {
          ...(suspectsSet && { ':suspects': decision.suspects }),
          ':number': number,
        },
      }),
      timelineWrite(this.#table, id, `decision-${number}`, {
        at,
        actor: 'firebreak',
        kind: 'decision',
        text: `${sentence(view)}${view.state === 'waiting' ? whom(people) : ''}`,
        detail: { decision: view.id, because: view.because, digest: view.digest, onset: decision.onset },
      }),
    ]);
    if (result.ok) {
      const { kind, because: reason, from_version, to_version } = view;
      await this.#events.tell(id, 'decision.made', { decision: view.id, kind, reason, from_version, to_version });
      if (view.state === 'waiting') {
        await this.#events.tell(id, 'approval.requested', { decision: view.id, reason });
        await this.#counters.add([one('firebreak_approvals_requested_total')]);
      }
      return view;
    }
    const first = await this.get(id, number);
    if (first === undefined) throw new Error(`cannot store or read decision ${number} of incident ${id}`);
    return first;
  }

  async ask(id: IncidentId, number: number, question: StepQuestion): Promise<DecisionView> {
    const at = this.#clock.now();
    const { text, reasons, inputs, place, people, approvals, given = [] } = question;
    const view: DecisionView = {
      id: `${id}-${number}`,
      kind: 'approve',
      because: reasons[0]?.code ?? 'runbook_asks',
      at,
      digest: sha256(canonicalJson({ id, number, question })),
      state: 'waiting',
      from_version: null,
      to_version: null,
      reasons,
      answered_by: null,
      question: text,
      target: place,
      approvals: { needed: approvals, given },
    };
    const { ok } = await this.#table.transact([
      // Approval continues the runbook that asks; it starts no mitigation of its own.
      this.#table.put(
        { ...keys.decision(id, number), number, ...view, people, outcome: 'asked', inputs: JSON.stringify(inputs) },
        absent,
      ),
      timelineWrite(this.#table, id, `decision-${number}`, {
        at,
        actor: 'firebreak',
        kind: 'decision',
        text: `Asks for approval: ${text}: ${reasons.map((reason) => reason.text).join('; ')}${whom(people)}`,
        detail: { decision: view.id, because: view.because, digest: view.digest },
      }),
    ]);
    if (ok) await this.#events.tell(id, 'approval.requested', { decision: view.id, reason: view.because });
    const kept = await this.get(id, number);
    if (kept === undefined) throw new Error(`cannot store or read question ${number} of incident ${id}`);
    return kept;
  }

  /** Returns who may answer. Null: everyone who may approve. */
  async #asked(id: IncidentId, number: number): Promise<readonly string[] | null> {
    const item = await this.#table.get(keys.decision(id, number));
    return z
      .array(z.string())
      .nullable()
      .catch(null)
      .parse(item?.['people'] ?? null);
  }

  async outcome(id: IncidentId, number: number): ReturnType<Decisions['outcome']> {
    const item = await this.#table.get(keys.decision(id, number));
    if (item === undefined) return undefined;
    const outcome = item['outcome'] === undefined ? null : MitigationOutcome.parse(item['outcome']);
    return { asked: AskedBy.parse(item['asked_by']), outcome };
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
    const number = await this.#numberOf(id, digest);
    if (number === undefined) return 'superseded';
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const item = await this.#table.get(keys.incident(id));
      if (item === undefined || item['status'] === 'resolved') return 'superseded';
      const decision = await this.get(id, number);
      if (decision?.state !== 'waiting') break;
      if (!isApprover(await this.#asked(id, number), decision.approvals, by)) return 'not_asked';
      const { needed, given } = decision.approvals;
      if (answer === 'approved' && isAmong(given, by)) return given.length < needed ? 'needs_another' : 'taken';
      if (answer === 'approved' && given.length + 1 < needed) {
        if (await this.#agree(id, number, decision, by, note)) return 'taken';
        continue;
      }
      // The message makes the sweeper wake the workflow if this process dies before it does.
      const at = this.#clock.now();
      const timeline = {
        actor: by,
        kind: `decision.${answer}`,
        text: note || `${answer === 'approved' ? 'Approved' : 'Rejected'} ${subjectOf(decision)}`,
        detail: { decision: `${id}-${number}`, digest },
      };
      const message = { kind: 'answered', decision: `${id}-${number}`, by } as const;
      const result = await this.#table.transact([
        this.#answered(id, number, decision, answer, by, note),
        ...postWrites(this.#table, postOf(StoredIncident.parse(item), message, at, { timeline })),
        incidentActWrite(this.#table, id, `decision-${number}-answered`, { ...timeline, at }),
      ]);
      if (result.ok) {
        await this.#events.tell(id, 'approval.answered', { decision: decision.id, outcome: answer, actor: by });
        await this.#counters.add([one('firebreak_approvals_total', answer)]);
        return 'taken';
      }
    }
    // A double click repeats the same answer and gets the same response.
    const item = await this.#table.get(keys.decision(id, number));
    return item?.['state'] === answer && item['answered_by'] === by ? 'taken' : 'superseded';
  }

  #answered(
    id: IncidentId,
    number: number,
    { digest, approvals }: DecisionView,
    answer: 'approved' | 'rejected',
    by: string,
    note: string,
  ): Write {
    const now = answer === 'approved' ? { ...approvals, given: [...approvals.given, by] } : approvals;
    return this.#table.update(keys.decision(id, number), {
      UpdateExpression: 'SET #state = :answer, answered_by = :by, answer_note = :note, approvals = :now',
      ConditionExpression: `#state = :waiting AND digest = :digest AND ${UNCHANGED}`,
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: {
        ':answer': answer,
        ':by': by,
        ':note': note,
        ':now': now,
        ':before': approvals,
        ':waiting': 'waiting',
        ':digest': digest,
      },
    });
  }

  /** Records one of several required approvals. Returns false if the decision changed in the meantime. */
  async #agree(id: IncidentId, number: number, decision: DecisionView, by: string, note: string): Promise<boolean> {
    const { digest, approvals } = decision;
    const key = `decision-${number}-${sha256(by).slice(0, 16)}`;
    const said = {
      at: this.#clock.now(),
      actor: by,
      kind: 'decision.agreed',
      text: note || `Approved ${subjectOf(decision)}; a second approval is required`,
      detail: { decision: `${id}-${number}`, digest },
    };
    const result = await this.#table.transact([
      this.#table.update(keys.decision(id, number), {
        UpdateExpression: 'SET approvals = :now',
        ConditionExpression: `#state = :waiting AND digest = :digest AND ${UNCHANGED}`,
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: {
          ':now': { ...approvals, given: [...approvals.given, by] },
          ':before': approvals,
          ':waiting': 'waiting',
          ':digest': digest,
        },
      }),
      timelineWrite(this.#table, id, key, said),
      incidentActWrite(this.#table, id, key, said),
    ]);
    if (result.ok)
      await this.#events.tell(id, 'approval.answered', { decision: decision.id, outcome: 'agreed', actor: by });
    return result.ok;
  }

  async #numberOf(id: IncidentId, digest: string): Promise<number | undefined> {
    for await (const item of this.#table.each(keys.incident(id).pk, 'DEC#')) {
      if (item['digest'] === digest) return Number(item['number']);
    }
    return undefined;
  }

  async markWrong(id: IncidentId, by: string, note: string): Promise<number> {
    const at = this.#clock.now();
    const decisions = await collect(this.#table.each(keys.incident(id).pk, 'DEC#'), (item) => item);
    const shadows = decisions.filter(({ kind }) => kind === 'shadow');
    for (const { number } of shadows)
      await this.#table.transact([
        this.#table.update(keys.decision(id, Number(number)), {
          UpdateExpression: 'SET marked_wrong = :mark',
          ConditionExpression: 'attribute_exists(pk) AND attribute_not_exists(marked_wrong)',
          ExpressionAttributeValues: { ':mark': { by, at, note } },
        }),
      ]);
    return shadows.length;
  }

  async expire(id: IncidentId, number: number, as: 'expired' | 'approved' = 'expired'): Promise<DecisionState> {
    const said = {
      at: this.#clock.now(),
      actor: 'firebreak',
      kind: `decision.${as}`,
      text:
        as === 'approved'
          ? 'Approved without an answer: the approval timed out, and the service sets onApprovalTimeout: act'
          : 'Expired without an answer, or withdrawn',
      detail: { decision: `${id}-${number}` },
    };
    const { ok } = await this.#table.transact([
      this.#table.update(keys.decision(id, number), {
        UpdateExpression: 'SET #state = :as, answered_by = :by',
        ConditionExpression: '#state = :waiting',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: {
          ':as': as,
          ':by': as === 'approved' ? NOBODY_OBJECTED : null,
          ':waiting': 'waiting',
        },
      }),
      ...(as === 'approved' ? [timelineWrite(this.#table, id, `decision-${number}-agreed`, said)] : []),
      incidentActWrite(this.#table, id, `decision-${number}-${as}`, said),
    ]);
    if (ok) {
      const outcome = as === 'approved' ? 'unopposed' : 'expired';
      await this.#events.tell(id, 'approval.answered', { decision: `${id}-${number}`, outcome, actor: 'firebreak' });
      await this.#counters.add([one('firebreak_approvals_total', outcome)]);
    }
    return this.state(id, number);
  }
}

const OPENINGS: Record<DecisionView['kind'], string> = {
  roll_back: 'Rolling back',
  approve: 'Asks for approval before rolling back',
  suggest: 'Suggests rolling back',
  shadow: 'In shadow mode: would consider rolling back',
  none: 'Does not roll back',
};

/** Names the people whose approval is requested. */
const whom = (people: readonly string[] | null): string => (people === null ? '' : ` (asks ${people.join(', ')})`);

/** The subject of an approval. */
const subjectOf = ({ question }: DecisionView): string => (question === undefined ? 'the rollback' : 'the request');

/** Returns the decision and its reasons as one sentence. */
function sentence(decision: DecisionView): string {
  const { kind, from_version, to_version, reasons } = decision;
  const would = wouldWords(decision);
  if (would !== undefined) return would;
  const versions = from_version === null ? '' : ` ${from_version}${to_version === null ? '' : ` to ${to_version}`}`;
  return `${OPENINGS[kind]}${versions}: ${[...new Set(reasons.map((reason) => reason.text))].join('; ')}`;
}
