import { pageKey } from '../../core/domain/paging/pages.ts';
import { EXPIRING_AFTER, isLookedAt, isSeen } from '../../core/domain/paging/question-pages.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import { numberOf, questionName } from '../../core/domain/rollback/question-names.ts';
import type { DecisionView, IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import type { Run } from '../run.ts';
import { wake } from '../wake.ts';
import { minuteText } from '../../schemas/time/time.ts';

type QuestionDeps = Pick<Deps, 'clock' | 'decisions' | 'effects' | 'engine' | 'incidents' | 'timeScale'>;

/** A question, with the number of its decision. */
export type Question = { incidentId: IncidentId; number: number };

/** Registers a callback for the answer, and returns the state of the question. */
type Register<State> = (deps: Deps, callback: string) => Promise<State>;

/**
 * Waits until a question is answered or its time has passed. When two thirds of it have passed and nobody has seen the
 * question, pages for it.
 *
 * @param registered called once the question waits
 * @returns the state that ended the wait before an answer was possible; 'waiting': answered, or its time has passed
 */
export async function waitForAnswer<State>(
  run: Run,
  { seconds, register, ...question }: Question & { seconds: number; register: Register<State> },
  deps: Deps,
  registered: () => void = () => undefined,
): Promise<State | 'waiting'> {
  const untilExpiring = Math.max(1, Math.round(seconds * EXPIRING_AFTER));
  const callback = await run.createCallback('approval', { seconds: untilExpiring });
  const state = await run.step('request-approval', () => register(deps, callback.id));
  if (state !== 'waiting') return state;
  registered();
  if ((await callback.settled()) === 'callback' || seconds <= untilExpiring) return 'waiting';
  await run.step('page-expiring', () => pageExpiring(deps, question));
  const last = await run.createCallback('approval', { seconds: seconds - untilExpiring });
  const stateThen = await run.step('request-approval', () => register(deps, last.id));
  if (stateThen === 'waiting') await last.settled();
  return stateThen;
}

/**
 * Pages for a new question, unless the newest page shows it. An incident that has not paged yet does so in any case.
 *
 * @returns whether the incident is open
 */
export async function pageForQuestion(deps: QuestionDeps, question: Question, note: string): Promise<boolean> {
  const { incidentId, number } = question;
  const found = await find(deps, question);
  const isPageNeeded = found !== undefined && found.pager.pages > 0 && !(await isKnown(deps, found, 1));
  const isPosted = isPageNeeded && (await page(deps, found, note, `approval-${number}`));
  if (isPageNeeded && found.pager.id === incidentId) return isPosted;
  const message = { kind: 'page', by: 'firebreak', note } as const;
  const isOpen = await deps.incidents.post(incidentId, message, {}, `approval-${number}`);
  await wake(deps, incidentId);
  return isOpen;
}

async function pageExpiring(deps: QuestionDeps, question: Question): Promise<null> {
  const found = await find(deps, question);
  if (found?.decision.state !== 'waiting' || (await isKnown(deps, found, deps.timeScale))) return null;
  const { id, answer_until: until } = found.decision;
  const when = until === undefined ? 'soon' : `at ${minuteText(until)}`;
  const note = `Question ${questionName(id)} expires ${when}, and nobody has acknowledged it`;
  await page(deps, found, note, `expiring-${question.number}`);
  return null;
}

/** Pages for a question that expired without having been seen by anyone. */
export async function pageExpired(deps: QuestionDeps, question: Question): Promise<null> {
  const found = await find(deps, question);
  if (found === undefined || !isExpiredUnseen(found)) return null;
  const note = `Question ${questionName(found.decision.id)} expired, and nobody had acknowledged it`;
  await page(deps, found, note, `expired-${question.number}`);
  return null;
}

/** Returns whether a question has expired that nobody has seen. */
export async function hasExpiredUnseen(deps: QuestionDeps, question: Question): Promise<boolean> {
  const found = await find(deps, question);
  return found !== undefined && isExpiredUnseen(found);
}

const isExpiredUnseen = ({ decision, incident, pager }: Found): boolean =>
  incident.status !== 'resolved' && decision.state === 'expired' && !isSeen(decision, [incident, pager]);

/** `pager`: the incident that pages, which is the parent of a child incident. */
type Found = { decision: DecisionView; incident: IncidentRecord; pager: IncidentRecord };

async function find(deps: QuestionDeps, { incidentId, number }: Question): Promise<Found | undefined> {
  const [incident, decision] = await Promise.all([
    deps.incidents.read(incidentId),
    deps.decisions.get(incidentId, number),
  ]);
  if (incident === undefined || decision === undefined) return undefined;
  const parent = incident.parent_id && (await deps.incidents.read(incident.parent_id));
  return { decision, incident, pager: parent && parent.status !== 'resolved' ? parent : incident };
}

/**
 * Returns whether a person has seen the question, or sees it without another page.
 *
 * @param timeScale 1 for a new question: how soon it follows the page depends on real work, which is not faster
 */
async function isKnown(deps: QuestionDeps, { decision, incident, pager }: Found, timeScale: number): Promise<boolean> {
  if (isSeen(decision, [incident, pager])) return true;
  const newestPage = await deps.effects.get(pager.id, pageKey(pager.id, pager.pages));
  return isLookedAt(newestPage, pager, { now: deps.clock.now(), timeScale });
}

async function page(
  deps: QuestionDeps,
  { decision, incident, pager }: Found,
  note: string,
  key: string,
): Promise<boolean> {
  const isOwn = pager.id === incident.id;
  const about = { incident_id: incident.id, decision: Number(numberOf(decision.id)) };
  const message = { kind: 'page', by: 'question', note: isOwn ? note : `${incident.service}: ${note}`, about } as const;
  const isPosted = await deps.incidents.post(pager.id, message, {}, isOwn ? key : `${incident.id}-${key}`);
  await wake(deps, pager.id);
  return isPosted;
}
