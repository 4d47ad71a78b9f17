import { MIN_CONFIDENCE_TO_ASK } from '../../../../core/domain/correlation/correlate.ts';
import { leadersOf } from '../../../../core/domain/rollback/offers.ts';
import type { Decision, DecisionInputs } from '../../../../core/domain/rollback/judgement.ts';
import { type MonitoredCase, monitoredCases } from '../../evaluation/monitored/case.ts';
import { CLASS_NAMES, type ClassName } from '../../evaluation/monitored/labels.ts';
import type { Judgement } from '../../evaluation/judge.ts';
import { newestAboveLimit } from '../../evaluation/nearest.ts';
import { type Observed, portsAt } from '../../evaluation/monitored/ports.ts';
import {
  type MonitoredReport,
  monitoredReport,
  type Seen,
  seenOf,
  type Verdict,
} from '../../evaluation/monitored/report.ts';
import { groupedIncidents } from './incident-groups.ts';
import { decideUnder, judgedInTime, type RequiredEvidence } from './judged-in-time.ts';
import { judgeIncident } from '../../../../workflows/steps/judge-incident.ts';

export const EVIDENCE_POLICIES = ['proved', 'version', 'time'] as const satisfies readonly RequiredEvidence[];

/** Window of the rule "nearest earlier deploy" in seconds. */
const NEAREST_SECONDS = 30 * 60;

/**
 * Runs the product's own step that reads all data about a case, at a time of its world, and returns what it has read. A decision
 * by it does not wait.
 */
export async function inputsAt(monitored: Observed, at: number): Promise<DecisionInputs> {
  const grouped = await groupedIncidents(monitored, at);
  const { deps, incident, stored: readInputs } = portsAt(monitored, at, { isGrouped: (id) => grouped.has(id) });
  await judgeIncident(deps, incident, 1, { by: 'alert', name: '' });
  const inputs = readInputs();
  if (inputs === undefined) throw new Error(`${monitored.id} was not judged`);
  const { waits_left: _waits, ...others } = inputs;
  return others;
}

/**
 * Judges a case as the workflow does, with each policy. What was said first keeps its name and its confidence if an act is proved later.
 * `limit`: the rule of a fixed limit.
 */
export async function verdictsOf(monitored: Observed): Promise<Record<RequiredEvidence | 'limit', Verdict>> {
  const read = new Map<number, Promise<DecisionInputs>>();
  const inputsAfter = (seconds: number): Promise<DecisionInputs> => {
    const inputs = read.get(seconds) ?? inputsAt(monitored, monitored.at + seconds);
    read.set(seconds, inputs);
    return inputs;
  };
  const verdicts = {} as Record<RequiredEvidence, Verdict>;
  for (const required of EVIDENCE_POLICIES) {
    const { decision, later, seconds } = await judgedInTime(required, inputsAfter);
    verdicts[required] = {
      ...verdictOf(decision),
      ...(later && { action: 'roll_back', acts: [{ change: later.suspect, to: later.to }], isLater: true }),
      seconds,
    };
  }
  return { ...verdicts, limit: ruleVerdict(newestAboveLimit(await inputsAfter(0))) };
}

export function verdictOf(decision: Decision): Verdict {
  const { kind, suspect, verdict, to, offers, suspects } = decision;
  const [top] = suspects;
  const askedUpTo = highestLimit(decision);
  const isBelowLimit = kind === 'none' && top !== undefined && askedUpTo < MIN_CONFIDENCE_TO_ASK;
  // A decision about several candidates names none of them.
  const tied = isBelowLimit && suspect === null ? leadersOf(suspects).map(({ change_id }) => change_id) : [suspect];
  return {
    action: kind === 'roll_back' ? 'roll_back' : kind === 'approve' ? 'ask' : 'none',
    acts:
      offers?.map(({ change_id: change, to_version }) => ({ change, to: to_version })) ??
      tied.map((change) => ({ change, to })),
    named: verdict === 'no_change' ? null : (top?.change_id ?? null),
    top: top === undefined ? null : { change: top.change_id, confidence: top.confidence },
    askedUpTo,
    isBelowLimit,
  };
}

/**
 * Returns the highest limit with which the product asks: all suspects together must reach it, and so must the leading ones,
 * unless they are more probable than "no change".
 */
function highestLimit({ suspects }: Decision): number {
  const sum = (some: readonly { confidence: number }[]) => some.reduce((all, { confidence }) => all + confidence, 0);
  const [leading, all] = [sum(leadersOf(suspects)), sum(suspects)];
  return leading >= 1 - all ? all : leading;
}

/** The common rule as a baseline: roll back the newest deploy that began in the half hour before the alert's onset. */
export function nearestDeploy({ stage, alert }: Observed): Verdict {
  const { recorded, delivery } = stage;
  const newest = recorded
    .filter(
      ({ service, environment, kind }) =>
        service === alert.service && environment === 'production' && kind === 'deploy',
    )
    .filter(
      ({ start }) =>
        start + delivery.skew <= alert.activeAt && start + delivery.skew > alert.activeAt - NEAREST_SECONDS,
    )
    .toSorted((a, b) => a.start - b.start)
    .at(-1);
  const change = newest?.id ?? null;
  return ruleVerdict({ action: change === null ? 'none' : 'roll_back', change_id: change });
}

const ruleVerdict = ({ action, change_id: change }: Pick<Judgement, 'action' | 'change_id'>): Verdict => ({
  action,
  acts: [{ change, to: null }],
  named: change,
  top: change === null ? null : { change, confidence: 1 },
  askedUpTo: change === null ? 0 : 1,
  isBelowLimit: false,
});

/** Returns one case with what the product has read about it and decided, as data. */
export async function explainMonitored(monitored: MonitoredCase): Promise<object> {
  const { id, label, facts, stage, at, alert } = monitored;
  const since = (time: number | null): number | null => time && Math.round(time - stage.onset);
  const inputs = await inputsAt(monitored, at);
  return {
    id,
    label,
    facts,
    seconds_after_onset: {
      judged: since(at),
      alert_active: since(alert.activeAt),
      alert_delivered: since(alert.at),
    },
    service: stage.focus,
    changes: stage.recorded
      .filter(({ start }) => start > 0)
      .map(({ start, finish, ...change }) => ({ ...change, start: since(start), finish: since(finish) })),
    faults: stage.faults.map(({ shape, ...fault }) => ({ ...fault, now: shape(at) })),
    evidence: inputs.evidence,
    decisions: Object.fromEntries(EVIDENCE_POLICIES.map((required) => [required, decideUnder(inputs, required)])),
  };
}

/** Judges of a case: the product with each policy, and the rules for comparison. */
export const JUDGES = [...EVIDENCE_POLICIES, 'nearest', 'limit'] as const;

export type Judged = Record<(typeof JUDGES)[number], Seen[]>;

/** Judges a set, or a share of it, or of some classes, with each policy and with the rules for comparison. */
export async function judgedMonitored(
  seed: number,
  share = 1,
  names: readonly ClassName[] = CLASS_NAMES,
): Promise<Judged> {
  const judged: Judged = { proved: [], version: [], time: [], nearest: [], limit: [] };
  for (const monitored of monitoredCases(seed, share, names)) {
    const verdicts = { ...(await verdictsOf(monitored)), nearest: nearestDeploy(monitored) };
    for (const name of JUDGES) judged[name].push(seenOf(monitored, verdicts[name]));
  }
  return judged;
}

/** Judges like `judgedMonitored`, and returns a report for each judge, by its name in words. */
export async function judgeMonitored(
  ...which: Parameters<typeof judgedMonitored>
): Promise<Record<string, MonitoredReport>> {
  const { nearest, limit, ...policies } = await judgedMonitored(...which);
  return {
    ...Object.fromEntries(EVIDENCE_POLICIES.map((name) => [`evidence: ${name}`, monitoredReport(policies[name])])),
    'nearest earlier deploy': monitoredReport(nearest),
    'nearest earlier deploy above the limit': monitoredReport(limit),
  };
}
