import type { Evidence } from '../domain/correlation/evidence.ts';
import { decide, DECIDE_VERSION, type DecisionInputs, type TargetInputs } from '../domain/rollback.ts';
import type { EnvironmentName, ServiceName } from '../schemas/names.ts';
import type { Question } from './evaluation/case.ts';
import { type Evaluation, evaluateAll } from './evaluation/evaluation.ts';
import type { Judge } from './evaluation/judge.ts';
import type { Report } from './evaluation/report.ts';
import type { Result } from './results.ts';

/** What policy wants before it is acted without a person: `autoRollback.evidence`. */
export type Demand = TargetInputs['policy']['evidence'];

/** The product's own decision about a case: that of an alert which asks, in mode `act`, with nothing against it. */
export const judgedBy =
  (demand: Demand): Judge =>
  (question) => {
    const decision = decide(inputsOf(question, demand));
    return {
      action: decision.kind === 'roll_back' ? 'roll_back' : decision.kind === 'approve' ? 'ask' : 'none',
      change_id: decision.suspect,
      confidence: decision.suspects[0]?.confidence ?? 0,
      ranked: decision.verdict === 'no_change' ? [] : decision.suspects.map(({ change_id }) => change_id),
    };
  };

function inputsOf({ evidence, history, policy }: Question, demand: Demand): DecisionInputs {
  const services = new Set([evidence.service, ...evidence.changes.map(({ change }) => change.service as string)]);
  return {
    decide_version: DECIDE_VERSION,
    asked: { by: 'alert', who: '', mode: null },
    matched: true,
    monitoring_failure_only: false,
    evidence,
    targets: [...services].map((service) =>
      targetOf(service, evidence, history, { ...policy, approvals: 1, evidence: demand }),
    ),
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
  policy: TargetInputs['policy'],
): TargetInputs => ({
  service: service as ServiceName,
  environment: evidence.environment as EnvironmentName,
  policy,
  has_deployer: true,
  modes: [],
  demoted: false,
  rollbacks_last_hour: 0,
  pinned: [],
  changes: [...history, ...evidence.changes.map(({ change }) => change)].filter((change) => change.service === service),
});

/** Judges every case of the evaluation, as each demand has it. */
export const measureCorrelation = (): Record<Demand, Evaluation> => ({
  version: evaluateAll(judgedBy('version')),
  any: evaluateAll(judgedBy('any')),
});

/**
 * The lines of it for the report, of the worst of its sets: what is wrong and what is left undone, in percent. The
 * reference of the first is the rule "nearest earlier deploy"; of the others it is what is allowed.
 */
export function correlationResults({ version, any }: Record<Demand, Evaluation>): Result[] {
  const worst = ({ sets }: Evaluation, of: (report: Report) => number): number =>
    100 * Math.max(...sets.map(({ report }) => of(report)));
  const nearest = 100 * Math.max(...version.sets.map((set) => set.nearest.wrong_negatives.share));
  const lines: [name: string, value: number, reference: number, target: number][] = [
    [
      'wrong automatic rollbacks, evidence: version (%)',
      worst(version, ({ wrong_negatives }) => wrong_negatives.share),
      nearest,
      0,
    ],
    ['the same, upper bound at 95 % (%)', worst(version, ({ wrong_negatives }) => wrong_negatives.bound), 0.1, 1],
    ['clear cases left to a person (%)', worst(version, ({ clear }) => 1 - clear.share), 10, 1],
    [
      'wrong automatic rollbacks, evidence: any (%)',
      worst(any, ({ wrong_negatives }) => wrong_negatives.share),
      nearest,
      0.2,
    ],
  ];
  return lines.map(([name, measured, reference, target]) => {
    const [value, of] = [Number(measured.toFixed(3)), Number(reference.toFixed(3))];
    const ratio = Number((value / of).toFixed(3));
    return { name: `correlation: ${name}`, value, reference: of, ratio, target, met: ratio <= target };
  });
}
