import type { Evidence } from '../domain/correlation/evidence.ts';
import { decide, DECIDE_VERSION, type DecisionInputs, type TargetInputs } from '../domain/rollback.ts';
import type { EnvironmentName, ServiceName } from '../schemas/names.ts';
import type { Question } from './evaluation/case.ts';
import { type Evaluation, evaluateAll } from './evaluation/evaluation.ts';
import type { Judgement } from './evaluation/judge.ts';
import type { Result } from './results.ts';

/** The product's own decision about a case: that of an alert which asks, in mode `act`, with nothing against it. */
export function judged(question: Question): Judgement {
  const decision = decide(inputsOf(question));
  return {
    action: decision.kind === 'roll_back' ? 'roll_back' : decision.kind === 'approve' ? 'ask' : 'none',
    change_id: decision.suspect,
    confidence: decision.suspects[0]?.confidence ?? 0,
    ranked: decision.verdict === 'no_change' ? [] : decision.suspects.map(({ change_id }) => change_id),
  };
}

function inputsOf({ evidence, history, policy }: Question): DecisionInputs {
  const services = new Set([evidence.service, ...evidence.changes.map(({ change }) => change.service as string)]);
  return {
    decide_version: DECIDE_VERSION,
    asked: { by: 'alert', who: '', mode: null },
    matched: true,
    monitoring_failure_only: false,
    evidence,
    targets: [...services].map((service) => targetOf(service, evidence, history, policy)),
    guard: { state: 'read', paused: false },
    incident_paused: false,
    one_of_many: false,
    neighbours_unreadable: false,
    organisation_rollbacks_last_hour: 0,
    config_version: 'bench',
  };
}

const targetOf = (
  service: string,
  evidence: Evidence,
  history: Question['history'],
  policy: Question['policy'],
): TargetInputs => ({
  service: service as ServiceName,
  environment: evidence.environment as EnvironmentName,
  policy: { ...policy, approvals: 1 },
  has_deployer: true,
  modes: [],
  demoted: false,
  rollbacks_last_hour: 0,
  pinned: [],
  changes: [...history, ...evidence.changes.map(({ change }) => change)].filter((change) => change.service === service),
});

/** Judges every case of the evaluation. */
export function measureCorrelation(): { evaluation: Evaluation; results: Result[] } {
  const evaluation = evaluateAll(judged);
  const [first] = evaluation.sets;
  const results = (first?.report.targets ?? []).map(({ name, value, target, met }): Result => ({
    name: `correlation: ${name}`,
    value,
    reference: null,
    ratio: null,
    target: String(target),
    met,
  }));
  return { evaluation, results };
}
