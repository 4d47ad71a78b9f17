import { incidentName } from '../incidents/incident-number.ts';
import type { DecisionView, Effect } from '../../../schemas/incidents/incident.ts';
import { decidingFor } from './incident-buttons.ts';
import { decisionLines, type DecisionLines, placeText, subjectOf } from './decision-lines.ts';
import { clearingOfVersion, clearingsText } from '../changes/cleared-suspects.ts';
import { failedRollback, type FailedRollback } from '../rollback/failed-rollback.ts';
import { numberOf } from '../rollback/question-names.ts';
import {
  currentDecisions,
  isLaterProblem,
  laterProblemEnd,
  onsetWords,
  recoveredOtherwise,
} from '../incidents/new-onset.ts';
import { closedAsOf, INSTEAD_OF_REOPENING, waitsForHealth } from '../incidents/closing.ts';
import { notReopenable } from '../incidents/reopening.ts';
import { isAcknowledged } from '../paging/acknowledgement.ts';
import { type Deciding, type Overview } from './story.ts';

/** Returns the rollback that a decision, or an earlier decision for the same versions, led to. */
export function rollbackOf(
  decision: DecisionView,
  { decisions, effects }: Pick<Overview, 'decisions' | 'effects'>,
): Effect | undefined {
  // An earlier decision may have led to the same rollback, which is executed only once.
  const same = decisions.filter(
    ({ id, question, from_version: from, to_version: to }) =>
      Number(numberOf(id)) < Number(numberOf(decision.id)) &&
      question === undefined &&
      from === decision.from_version &&
      to === decision.to_version,
  );
  const effectOf = (candidate: DecisionView) =>
    effects.findLast(({ kind, key }) => kind === 'roll-back' && key.endsWith(`.${numberOf(candidate.id)}`));
  return effectOf(decision) ?? same.map(effectOf).findLast((effect) => effect?.state === 'succeeded');
}

export const effectWords = ({ state, detail }: Effect): string => `${EFFECT_WORDS[state]}: ${detail}`;

export const EFFECT_NAMES: Readonly<Record<Effect['kind'], string>> = {
  page: 'Page',
  'page-fallback': 'Page in the second way',
  'page-note': 'Note on the page',
  'page-update': 'Update of the page',
  'page-acknowledge': 'Acknowledgement of the page',
  'page-resolve': 'End of the page',
  'roll-back': 'Rollback',
  flag: 'Feature flag',
  scale: 'Scaling',
  restart: 'Restart',
  reroute: 'Shift of traffic',
  look: 'Test of two versions',
  http: 'Call of another system',
  ticket: 'Ticket',
  slack: 'Slack message',
};

const EFFECT_WORDS: Record<Effect['state'], string> = {
  intended: 'In progress',
  accepted: 'In progress',
  succeeded: 'Done',
  failed: 'Failed',
  withheld: 'Not done',
  superseded: 'Not done',
};

/** Says what speaks against the question of one incident of a group of many. Null: the question is not of such a group. */
export const cautionOf = ({ incident, deciding }: Pick<Overview, 'incident' | 'deciding'>): string | null =>
  incident.group_reason?.because === 'many' && deciding !== undefined && incident.status !== 'resolved'
    ? 'Look for a common cause, too: one deploy is unlikely to cause so many failures.'
    : null;

/** Describes the state of an incident as the newest decision about it, with what to do now. */
export function incidentLines(own: Overview): DecisionLines {
  const story = decidingStory(own);
  const { incident } = story;
  const decisions = currentDecisions(story);
  const decision = decisions.findLast(({ state }) => state === 'waiting') ?? decisions.at(-1);
  const lines = decision === undefined ? undefined : linesNow(decision, story);
  const step = stepOf(story, lines, decision);
  const { more = [] } = step;
  const action = `${notNotified(own)}${step.action}`;
  if (incident.status === 'resolved')
    return { action, evidence: null, hesitation: null, details: [...more, ...(lines?.details ?? [])] };
  const paused = incident.automation_paused ? 'Does not act because automation of this incident is paused.' : null;
  if (lines === undefined)
    return {
      action,
      evidence: null,
      hesitation: paused ?? (incident.group_reason === undefined ? 'No decision yet.' : null),
      details: more,
    };
  const { change: redeploy, runbook } = incident.verifying ?? {};
  // What a person has deployed, or a runbook has done, took the place of what was decided.
  const isOvertaken = incident.status === 'mitigated' && (redeploy !== undefined || runbook !== undefined);
  const said = [
    ...(isOvertaken || action.includes(lines.action) || decision?.kind === 'none' ? [] : [lines.action]),
    ...(paused === null || lines.hesitation === null ? [] : [lines.hesitation]),
  ];
  const hesitation = [paused ?? lines.hesitation, cautionOf(own)].filter((text) => text !== null).join(' ');
  return {
    ...lines,
    action,
    hesitation: hesitation === '' ? null : hesitation,
    details: [...more, ...said, ...lines.details],
  };
}

/** Returns the lines of a decision, without the evidence against a version that a person has cleared since. */
function linesNow(decision: DecisionView, story: Pick<Overview, 'incident' | 'decisions' | 'effects'>): DecisionLines {
  const { incident } = story;
  const { from_version: version, target } = decision;
  const { service } = target ?? incident;
  const clearing = version === null ? undefined : clearingOfVersion(incident.cleared, { service, version });
  const lines = decisionLines(decision, incident, rollbackOf(decision, story));
  return clearing === undefined ? lines : { ...lines, evidence: `${clearingsText([clearing])}.`, details: [] };
}

/** Returns what the lines are about: the incident, or the one that decides for it, whose service they name. */
function decidingStory(story: Overview): Overview {
  const { incident, decisions, effects } = decidingFor<Deciding>(story);
  if (incident.id === story.incident.id) return story;
  const { service, environment } = incident;
  const named = decisions.map((decision) => ({ ...decision, target: decision.target ?? { service, environment } }));
  return { incident, decisions: named, effects, signals: [], children: [], childCount: 0, parent: null };
}

/** Returns what to do now, in one sentence. */
export const nextStep = (story: Overview): string => incidentLines(story).action;

/** `more`: what else a person can do. */
type Step = { action: string; more?: readonly string[] };

function stepOf(story: Overview, lines: DecisionLines | undefined, decision: DecisionView | undefined): Step {
  const { incident, effects, parent } = story;
  const { status, firing } = incident;
  const where = placeText(incident);
  // The verdict about a mitigation says nothing about a problem that began after it.
  const verification = status === 'open' && isLaterProblem(incident) ? 'not_needed' : incident.verification;
  if (closedAsOf(incident) === 'unverified') {
    const refusal = notReopenable(incident);
    return {
      action: `Check ${where}: the incident was closed, but nothing has shown that the service recovered.`,
      more: [
        refusal === null
          ? `To reopen it: /incident reopen, or firebreak incident reopen ${incidentName(incident)}.`
          : `${INSTEAD_OF_REOPENING[refusal]}.`,
      ],
    };
  }
  if (status === 'resolved') return { action: 'None: the incident is resolved. Complete its post-mortem soon.' };
  if (decision?.state === 'waiting' && lines !== undefined)
    return incident.automation_paused
      ? { action: `Resume automation, then answer: ${subjectOf(decision)}?` }
      : { action: lines.action };
  const accepted = effects.findLast(({ kind, state }) => kind === 'roll-back' && state === 'accepted');
  if (status === 'mitigating')
    return {
      action: accepted?.detail ?? `Watch ${where}: the ${actionInProgress(effects)} is in progress.`,
    };
  const done = decision && rollbackOf(decision, story);
  const acted = done?.state === 'succeeded' && lines !== undefined ? `${lines.action} ` : '';
  if (status === 'mitigated' && verification === 'pending')
    return { action: `${acted}Watch ${where} until the mitigation is verified.` };
  if (waitsForHealth(incident))
    return { action: `Watch ${where}: its alerts have ended, but its health is above its limit.` };
  const isOverSince = status === 'mitigated' && recoveredOtherwise(incident);
  if (isOverSince || (status === 'open' && laterProblemEnd(incident) !== undefined))
    return { action: `Watch ${where}: the problem is over.` };
  const failed = failedRollback(story);
  if (failed !== undefined)
    return { action: `Look at ${where}: ${withoutStop(failed.detail)}.`, more: optionsOf(story, failed) };
  if (verification === 'failed')
    return { action: `Look at ${where}: the mitigation did not help.`, more: optionsOf(story, undefined) };
  if (verification === 'inconclusive')
    return { action: `Check ${where}, and resolve the incident by hand: the verification was inconclusive.` };
  if (status === 'mitigated')
    return {
      action: firing > 0 ? `${acted}Verified; the incident closes when its alerts end.` : `${acted}Verified.`,
    };
  const group = incident.group_reason ?? parent?.group_reason;
  const { words, first, isOver, isWell } = story.group ?? {
    words: group?.text,
    first: group?.name,
    isOver: false,
    isWell: false,
  };
  const isExplained = !isOver || parent === null;
  if (group?.because === 'shared_dependency' && story.deciding === undefined && isExplained)
    return {
      action: isWell
        ? `Watch ${first} in ${incident.environment}: ${words}.`
        : `Look at ${first} in ${incident.environment} first: ${words}.`,
    };
  if (incident.group_reason?.because === 'many')
    return {
      action: 'Look for a common cause before you investigate each service.',
      more: ['Automation asks before each rollback, because one deploy is unlikely to cause so many failures.'],
    };
  if (parent !== null && group?.because !== 'shared_dependency')
    return { action: 'Look at the parent incident first: several services are failing at the same time.' };
  const isUndecided = lines === undefined && status === 'open' && isLaterProblem(incident);
  if (isUndecided)
    return {
      action: `Wait for the decision: another problem of ${where} began ${onsetWords(incident.new_onset?.after_change?.name)}.`,
      more: pagedText(effects),
    };
  return { action: lines?.action ?? `Look at ${where}.`, more: [...commandOf(story, decision), ...pagedText(effects)] };
}

const withoutStop = (text: string): string => text.replace(/(?<![.\s])[.\s]+$/, '');

/** Returns the command of a rollback that is only suggested. */
const commandOf = ({ incident }: Overview, decision: DecisionView | undefined): string[] =>
  decision?.to_version != null && (decision.kind === 'suggest' || decision.kind === 'shadow')
    ? [`To roll back: /rollback ${incident.service} ${incident.environment}.`]
    : [];

/**
 * Says that no pager has accepted the newest page. Empty: a pager has accepted it, a person has acknowledged it, or the incident is a
 * member of a group, which pages.
 */
function notNotified({ incident, effects }: Overview): string {
  if (incident.status === 'resolved' || isAcknowledged(incident) || incident.parent_id !== undefined) return '';
  const page = effects.findLast(({ kind }) => kind === 'page');
  const taken = effects.filter(isTakenPage);
  if (page?.state !== 'failed' || taken.some(({ key }) => key.startsWith(`${page.key}.`))) return '';
  return `No pager has accepted page ${incident.pages}${taken.length > 0 ? '' : ', so nobody was notified'}. `;
}

const isTakenPage = ({ kind, state }: Effect): boolean =>
  (kind === 'page' || kind === 'page-fallback') && state === 'succeeded';

function pagedText(effects: Overview['effects']): string[] {
  const pages = effects.filter(isTakenPage);
  if (pages.length === 0) return [];
  return pages.every(({ stand_in }) => stand_in === true)
    ? ['The page went to the sandbox, so nobody was notified.']
    : ['The on-call responder has been paged.'];
}

/** Returns the options after a rollback that failed or did not help. */
function optionsOf({ incident, decisions }: Overview, failed: FailedRollback | undefined): string[] {
  const target = decisions.findLast(({ question }) => question === undefined)?.target ?? incident;
  const { service, environment } = failed?.order ?? target;
  const serviceInEnvironment = `${service} ${environment}`;
  return [
    ...(failed?.order == null ? [] : [`Try again: /rollback ${serviceInEnvironment} ${failed.order.to}.`]),
    `Roll back to another version: /rollback ${serviceInEnvironment} VERSION (/deploys ${serviceInEnvironment} lists them).`,
    'Hand over: /incident handover @USER.',
  ];
}

/** Names the action in progress: a runbook is also in progress between its steps. */
const actionInProgress = (effects: Overview['effects']): string => {
  const actions = effects.filter(({ resource }) => resource !== undefined);
  const newest = actions.findLast(({ state }) => state === 'intended' || state === 'accepted') ?? actions.at(-1);
  return newest === undefined || newest.kind === 'roll-back' ? 'rollback' : 'runbook';
};
