import type { DecisionView, Effect } from '../../../schemas/incidents/incident.ts';
import type { Look } from '../../../schemas/incidents/look.ts';
import type { RunView } from '../../../schemas/runbooks/parts/runs.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { decisionLines, subjectOf } from '../messages/decision-lines.ts';
import { rollbackOf } from '../messages/incident-lines.ts';
import type { Overview } from '../messages/story.ts';
import { type Mitigation, VERIFICATION_SECONDS } from '../rollback/verdict.ts';
import { secondsOfWait } from '../rollback/wait.ts';
import { currentDecisions } from './new-onset.ts';

/** Something that is being done now. `until`: when it ends at the latest; null: not known. */
export type UnderWay = { text: string; since: Timestamp; until: Timestamp | null };

/** What else is known of an incident. `settleSeconds`: how long a rollback of its service waits. */
export type Surroundings = {
  looks: readonly Look[];
  runs: readonly RunView[];
  settleSeconds: number;
  now: Timestamp;
  /** Factor by which Firebreak's own pauses are shortened. */
  timeScale: number;
};

/** Returns what is being done about an incident, the newest first. Empty: nothing, or it is resolved. */
export function underWay(story: Overview, around: Surroundings): UnderWay[] {
  const { incident, decisions, effects } = story;
  const { now, looks, runs, timeScale, settleSeconds } = around;
  if (incident.status === 'resolved') return [];
  const after = (at: Timestamp, seconds: number): Timestamp => plusSeconds(at, Math.round(seconds / timeScale));
  const decision = currentDecisions(story).findLast(({ question }) => question === undefined);
  const rollback = decision && rollbackOf(decision, story);
  const settled = decision && after(decision.at, settleSeconds);
  const judgedAgain = decision && after(decision.at, secondsOfWait(decision));
  const { verification, verifying } = incident;
  const found: UnderWay[] = [
    ...effects
      .filter(({ kind, state }) => (state === 'intended' || state === 'accepted') && EFFECT_TEXTS[kind] !== null)
      .map((effect) => ({ text: effectText(effect, story), since: effect.at, until: null })),
    ...(decision?.kind === 'roll_back' && rollback === undefined && settled !== undefined && settled > now
      ? [
          {
            text: `Waiting for further alerts, then: ${lowered(subjectOf(decision))}`,
            since: decision.at,
            until: settled,
          },
        ]
      : []),
    ...(decision?.kind === 'wait' && judgedAgain !== undefined && judgedAgain > now
      ? [{ text: waitText(decision, incident), since: decision.at, until: judgedAgain }]
      : []),
    ...(incident.status !== 'mitigating' && verification === 'pending' && verifying?.at !== undefined
      ? [
          {
            text: `Checking whether the ${subjectOfVerification(verifying)} helped`,
            since: verifying.at,
            until: after(verifying.at, VERIFICATION_SECONDS),
          },
        ]
      : []),
    ...looks
      .filter(({ ended_at: ended }) => ended === null)
      .map(({ suspect, other, started_at: since, seconds }) => ({
        text: `Testing a fresh instance of ${suspect} beside one of ${other}`,
        since,
        until: after(since, seconds),
      })),
    ...runs
      .filter(({ status }) => status === 'running')
      .map((run) => ({ text: runText(run), since: run.started_at, until: null })),
    ...decisions
      .filter(({ state }) => state === 'waiting')
      .map((waiting) => ({
        text: `Waiting for an answer: ${lowered(subjectOf(waiting))}`,
        since: waiting.at,
        until: waiting.answer_until ?? null,
      })),
  ];
  return found.toSorted((a, b) => (a.since > b.since ? -1 : 1));
}

const subjectOfVerification = ({ runbook, change }: Mitigation): string =>
  runbook !== undefined ? 'runbook' : change !== undefined ? 'deploy of the earlier version' : 'rollback';

/** What is done by a call that has no result yet. Null: others say it, or people need not know. */
const EFFECT_TEXTS: Readonly<Record<Effect['kind'], string | null>> = {
  page: 'Paging the on-call responder',
  'page-fallback': 'Paging in the second way, because the first one fails',
  'page-note': null,
  'page-update': null,
  'page-acknowledge': null,
  'page-resolve': null,
  'roll-back': 'Rolling back',
  flag: 'Switching a feature flag',
  scale: 'Scaling',
  restart: 'Restarting',
  reroute: 'Moving traffic',
  look: null,
  http: 'Calling another system',
  ticket: 'Opening a ticket',
  slack: 'Posting in Slack',
};

function effectText(effect: Effect, story: Overview): string {
  const decision =
    effect.kind === 'roll-back' ? story.decisions.findLast((one) => rollbackOf(one, story) === effect) : undefined;
  if (decision !== undefined) return withoutStop(decisionLines(decision, story.incident, effect).action);
  const { service_environment: where } = effect;
  return `${EFFECT_TEXTS[effect.kind] ?? ''}${where === undefined ? '' : ` ${where.service} in ${where.environment}`}`;
}

const waitText = (decision: DecisionView, place: Overview['incident']): string => {
  const { action, hesitation } = decisionLines(decision, place);
  return withoutStop(hesitation ?? action);
};

function runText({ title, steps }: RunView): string {
  const step = steps.find(({ status }) => status === 'running' || status === 'waiting');
  return `Runbook ${title}${step === undefined ? '' : `: ${step.name}`}`;
}

const lowered = (text: string): string => `${text.slice(0, 1).toLowerCase()}${text.slice(1)}`;
const withoutStop = (text: string): string => text.replace(/\.$/, '');
