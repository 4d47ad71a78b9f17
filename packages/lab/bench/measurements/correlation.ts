import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Evidence, RelatedChange } from '../../../../core/domain/correlation/evidence.ts';
import type { Decision, DecisionInputs, TargetInputs } from '../../../../core/domain/rollback/judgement.ts';
import { DECIDE_VERSION } from '../../../../core/domain/rollback/guards.ts';
import { decide } from '../../../../core/domain/rollback/rollback.ts';
import { newestLiveChange } from '../../../../core/domain/changes/versions.ts';
import type { EnvironmentName, ServiceName } from '../../../../schemas/config/names.ts';
import type { Question } from '../../evaluation/case.ts';
import { type Evaluation, evaluateAll } from '../../evaluation/evaluation.ts';
import { cases, DEFAULT_SEED, FURTHER_SEEDS } from '../../evaluation/generate.ts';
import type { Judge } from '../../evaluation/judge.ts';
import { evaluationTable } from '../../evaluation/print.ts';
import { nearestEarlierDeploy, newestAboveLimit } from '../../evaluation/nearest.ts';
import { CLEAR_MIN, questionOf, type Report, type Seen, seenOf, WRONG_MAX } from '../../evaluation/report.ts';
import { type Measured, result } from '../results.ts';
import { judgedInTime, type RequiredEvidence } from './judged-in-time.ts';

/** Accepted share of the mistakes of "nearest earlier deploy" if no evidence of versions is required. */
const LAX_TARGET = 0.2;

/** Decimals of the report's percentages: enough to show one case in three thousand. */
const PERCENT_DECIMALS = 3;

/**
 * Returns the product's decision about a case: an alert requests a rollback, in mode `act`, and no guard applies. Where the case goes on,
 * it waits, and an act that is proved while a question waits is done.
 */
export const judgeWith =
  (required: RequiredEvidence): Judge =>
  async (question) => {
    const decision = await decisionOf(question, required);
    return {
      action: decision.kind === 'roll_back' ? 'roll_back' : decision.kind === 'approve' ? 'ask' : 'none',
      change_id: decision.suspect,
      confidence: decision.suspects[0]?.confidence ?? 0,
      ranked: decision.verdict === 'no_change' ? [] : decision.suspects.map(({ change_id }) => change_id),
    };
  };

async function decisionOf(question: Question, required: RequiredEvidence): Promise<Decision> {
  const { later: goesOn } = question;
  if (goesOn === undefined) return decide(inputsOf(question, required));
  const { decision, later } = await judgedInTime(required, async (seconds) =>
    inputsOf(seconds === 0 ? question : { ...question, ...goesOn(seconds) }, required),
  );
  return later ?? decision;
}

export function inputsOf({ evidence, history, policy }: Question, required: RequiredEvidence): DecisionInputs {
  const services = new Set([evidence.service, ...evidence.changes.map(({ change }) => change.service as string)]);
  return {
    decide_version: DECIDE_VERSION,
    request: { by: 'alert', name: '', mode: null },
    matched: true,
    monitoring_failure_only: false,
    evidence: { ...evidence, changes: [...versionBefore(history), ...evidence.changes] },
    targets: [...services].map((service) =>
      targetInputs(service, evidence, history, { ...policy, approvals: 1, evidence: required }),
    ),
    guard: { state: 'read', paused: false },
    incident_paused: false,
    one_of_many: false,
    neighbours_unreadable: false,
    organisation_rollbacks_last_hour: 0,
    config_version: 'bench',
  };
}

/** The product considers the version before a suspect, whatever its age. */
function versionBefore(history: Question['history']): RelatedChange[] {
  const change = newestLiveChange(history);
  return change === undefined ? [] : [{ change, relation: 'same', distance: 0 }];
}

const targetInputs = (
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

export type Evaluations = Readonly<Record<RequiredEvidence, Evaluation>>;

/** Judges every case of one seed's set, and the replays, with each kind of required evidence. Takes ten seconds. */
export const judgeSet = (seed: number): Promise<Evaluations> =>
  evaluateAll({ version: judgeWith('version'), proved: judgeWith('proved'), time: judgeWith('time') }, [seed]);

/** Judges of a case: the product with each policy, and the rule for comparison. */
const JUDGES = {
  proved: judgeWith('proved'),
  version: judgeWith('version'),
  time: judgeWith('time'),
  nearest: nearestEarlierDeploy,
  limit: newestAboveLimit,
} as const satisfies Record<RequiredEvidence | 'nearest' | 'limit', Judge>;

/** Judges every case of one seed's set, with each policy and with the rules for comparison. */
export async function judgedSet(seed: number): Promise<Record<keyof typeof JUDGES, Seen[]>> {
  const judged: Record<keyof typeof JUDGES, Seen[]> = { proved: [], version: [], time: [], nearest: [], limit: [] };
  for (const one of cases(seed)) {
    const question = questionOf(one);
    for (const name of Object.keys(JUDGES) as (keyof typeof JUDGES)[])
      judged[name].push(seenOf(one, await JUDGES[name](question)));
  }
  return judged;
}

/** Judges all sets, and prints the whole evaluation. */
export async function measureCorrelation(): Promise<Measured[]> {
  const evaluations = await inThreads();
  console.log(`${evaluationTable(evaluations.version)}\n`);
  return correlationResults(evaluations);
}

/** Judges each set in a thread of its own. */
async function inThreads(): Promise<Evaluations> {
  const [first, ...further] = await Promise.all([inThread(DEFAULT_SEED), ...FURTHER_SEEDS.map(inThread)]);
  const all = (required: RequiredEvidence): Evaluation => ({
    ...first[required],
    sets: [first, ...further].flatMap((one) => one[required].sets),
  });
  return { version: all('version'), proved: all('proved'), time: all('time') };
}

async function inThread(seed: number): Promise<Evaluations> {
  const thread = new Worker(new URL('correlation-thread.ts', import.meta.url), { workerData: seed });
  const [evaluations] = (await once(thread, 'message')) as [Evaluations]; // rejects on an error of the thread
  return evaluations;
}

/**
 * Returns the report's lines, in percent: wrong rollbacks, and clear cases without action. Each value is that of the worst
 * set. The reference is the rule "nearest earlier deploy" on the same set, or the allowed value.
 */
export function correlationResults({ version, time }: Evaluations): ReturnType<typeof result>[] {
  const strict = worst(version, wrongOfAll);
  const bound = worst(version, ({ wrong_negatives }) => wrong_negatives.bound);
  const clear = worst(version, (report) => 1 - report.clear.share);
  const lax = worst(time, wrongOfAll);
  const nearest = '(reference: nearest earlier deploy)';
  const allowed = '(reference: allowed)';
  return [
    line(`wrong automatic rollbacks, evidence: version, % ${nearest}`, strict.value, strict.nearest, 0),
    line(
      `wrong rollbacks of negatives, upper bound at 95 %, evidence: version, % ${allowed}`,
      bound.value,
      WRONG_MAX,
      1,
    ),
    line(`clear cases not acted upon, evidence: version, % ${allowed}`, clear.value, 1 - CLEAR_MIN, 1),
    line(`wrong automatic rollbacks, evidence: time, % ${nearest}`, lax.value, lax.nearest, LAX_TARGET),
  ];
}

/** Returns the share of wrong rollbacks of all cases, including cases with another cause, or in which a person had to decide. */
const wrongOfAll = (report: Report): number =>
  (report.wrong_negatives.hits + report.wrong_positives.hits) / report.cases;

/** Returns the highest share of all sets, and the rule's share in that set. */
function worst({ sets }: Evaluation, share: (report: Report) => number): { value: number; nearest: number } {
  const shares = sets.map(({ report, nearest }) => ({ value: share(report), nearest: share(nearest) }));
  return shares.reduce((highest, one) => (one.value > highest.value ? one : highest));
}

const line = (name: string, share: number, reference: number, target: number) =>
  result(`correlation: ${name}`, 100 * share, 100 * reference, target, PERCENT_DECIMALS);
