import { incidentName } from '../../domain/incidents/incident-number.ts';
import { CLEARED_MAX, clearedByPeople, clearingOf, withCleared } from '../../domain/changes/cleared-suspects.ts';
import { isSameVersion } from '../../domain/changes/version-identity.ts';
import { numberOf } from '../../domain/rollback/question-names.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { ClearedSuspect, DecisionView, Effect, IncidentView } from '../../../schemas/incidents/incident.ts';
import { ChangeId, type IncidentId, type Version } from '../../../schemas/config/names.ts';
import { rollbackKey } from '../../../workflows/steps/roll-back.ts';
import { isAboutRollbackOf, withdrawQuestionsAbout } from '../../../workflows/steps/withdraw-questions.ts';
import { wake } from '../../../workflows/wake.ts';
import { Refusal } from '../../domain/refusal.ts';
import { note } from './declare-incident.ts';
import { requireIncident } from './require-incident.ts';
import { markWrong } from './mark-wrong.ts';
import { acknowledgeByActing } from './acknowledge-by-acting.ts';
import type { Caller } from '../people/caller.ts';
import { minuteText } from '../../../schemas/time/time.ts';

/** Number of changes read, as for a decision. */
const CHANGES_READ = 50;

type CauseDeps = Pick<Deps, 'automation' | 'incidents' | 'decisions' | 'changes' | 'clock' | 'engine' | 'pins'>;

/** A rollback of a suspect. `pinned`: whether its version may not be deployed again. */
export type RollbackOfSuspect = { state: 'under_way' | 'done'; to: Version | null; pinned: boolean };

/** Result of clearing a suspect. */
export type ClearingResult = {
  /** The updated incident. */
  incident: IncidentView;
  cleared: ClearedSuspect;
  /** Whether the incident is resolved, so that only the timeline was changed. */
  over: boolean;
  /** Number of withdrawn questions. */
  withdrawn: number;
  /** Null: the change was not rolled back. */
  rollback: RollbackOfSuspect | null;
  /** Whether Firebreak evaluates the other suspects now. */
  judged: boolean;
  /** Whether its rollback counts against the automation of its service. */
  wrong: boolean;
};

/**
 * Clears a change as a suspect of an incident. Firebreak no longer asks about it, and does not roll it back
 * automatically, until a person suspects it again (`restoreSuspectChange`) or requests its rollback. Waiting questions about it
 * are withdrawn, its automatic rollback is marked as wrong, and the other suspects are evaluated. A rollback in
 * progress continues. Repeating the call succeeds and changes nothing.
 *
 * @param text text for the timeline; empty: a default text
 * @throws Refusal 403, 404; 409 `no-suspect`, `too-many-cleared`
 */
export async function clearSuspectChange(
  deps: CauseDeps,
  caller: Caller,
  { id, change: changeId, key, text = '' }: { id: IncidentId; change: string; key: string; text?: string },
): Promise<ClearingResult> {
  const before = await requireIncident(deps, id);
  caller.allow('incidents:act', before);
  const change = await changeOf(deps, before, changeId);
  const known = clearingOf(clearedByPeople(before.cleared), change);
  const statement = known ?? clearingBy(caller, change, deps.clock.now());
  const judge = await needsReevaluation(deps, before, change);
  const { cleared, over } = await clearSuspect(deps, caller, { before, statement, judge, key, text });
  const now = await requireIncident(deps, id);
  const withdrawn = over ? [] : await withdrawQuestionsAbout(deps, now, cleared);
  const rollbacks = await rollbacksOf(deps, now, change);
  const wrong = await countAsWrong(deps, caller, id, rollbacks, `${change.version} was not the cause`);
  if (!over) {
    await acknowledgeByActing(deps, caller, id);
    await wake(deps, id);
  }
  return {
    incident: await requireIncident(deps, id),
    cleared,
    over,
    withdrawn: withdrawn.length,
    rollback: await rollbackNow(deps, rollbacks, change),
    judged: judge && !over,
    wrong,
  };
}

/** Returns what became of the last of these rollbacks of a change. Null: there is none. */
export async function rollbackNow(
  { pins }: Pick<Deps, 'pins'>,
  rollbacks: readonly StartedRollback[],
  change: Change,
): Promise<RollbackOfSuspect | null> {
  const last = rollbacks.at(-1);
  if (last === undefined) return null;
  const pinned = (await pins.of(change)).some((pin) => isSameVersion(pin, change));
  return { state: last.state === 'succeeded' ? 'done' : 'under_way', to: last.to, pinned };
}

/** @throws Refusal 404 if the change is unknown; 409 if it belongs to another environment */
export async function changeOf(
  { changes }: Pick<Deps, 'changes'>,
  incident: Pick<IncidentView, 'id' | 'number' | 'environment'>,
  changeId: string,
): Promise<Change> {
  const read = ChangeId.safeParse(changeId);
  const change = read.success ? await changes.get(read.data) : undefined;
  if (change === undefined) throw new Refusal(404, 'unknown-deployment', `there is no deployment ${changeId}`);
  // With the version as decisions name it.
  if (change.environment === incident.environment)
    return (await changes.recent(change, CHANGES_READ)).find((one) => one.id === change.id) ?? change;
  throw new Refusal(
    409,
    'no-suspect',
    `${incidentName(incident)} is in ${incident.environment}, but ${change.version} was deployed to ${change.environment}, so it is not a suspect`,
  );
}

const clearingBy = (
  { name: by }: Caller,
  { id: change_id, service, version, kind }: Change,
  at: ClearedSuspect['at'],
): ClearedSuspect => ({ change_id, service, version, kind, by, at });

/**
 * Records the clearing once, also if several people clear the change. `over`: a resolved incident gets only an entry.
 */
async function clearSuspect(
  deps: CauseDeps,
  caller: Caller,
  {
    before,
    statement,
    judge,
    key,
    text,
  }: { before: IncidentView; statement: ClearedSuspect; judge: boolean; key: string; text: string },
): Promise<{ cleared: ClearedSuspect; over: boolean }> {
  const { id, status, cleared } = before;
  const { change_id: change, version, by } = statement;
  const entry = {
    actor: by,
    kind: 'suspect.cleared',
    text: text || `${version} was not the cause`,
    detail: { change, version },
  };
  if (status !== 'resolved') {
    if (cleared.includes(statement)) return { cleared: statement, over: false };
    if (cleared.length >= CLEARED_MAX)
      throw new Refusal(
        409,
        'too-many-cleared',
        `${incidentName(before)} already has the maximum of ${CLEARED_MAX} cleared changes`,
      );
    const earlier = cleared.find(({ change_id }) => change_id === change);
    const posted = await deps.incidents.post(
      id,
      { kind: 'cleared', by, change, judge },
      (now) => ({ cleared: withCleared(now.cleared, statement), timeline: entry }),
      `cleared-${change}-after-${earlier?.restored?.at ?? 'none'}`,
    );
    // If another person was faster, their clearing counts.
    if (posted) return { cleared: clearingNow(await requireIncident(deps, id), statement), over: false };
  }
  await note(deps, caller, { id, key, ...entry });
  return { cleared: statement, over: true };
}

const clearingNow = ({ cleared }: IncidentView, statement: ClearedSuspect): ClearedSuspect =>
  cleared.find(({ change_id }) => change_id === statement.change_id) ?? statement;

/**
 * Returns whether the other suspects must be evaluated: no rollback of the change has started, and no question about
 * another change is waiting.
 */
async function needsReevaluation(deps: DecisionDeps, incident: IncidentView, change: Change): Promise<boolean> {
  if (!needsJudgement(incident) || (await rollbacksOf(deps, incident, change)).length > 0) return false;
  for (const decision of incident.decisions.filter(isOpenRollbackQuestion))
    if (!(await isAboutRollbackOf(deps, incident.id, decision, suspectOf(change)))) return false;
  return true;
}

type DecisionDeps = Pick<Deps, 'decisions'>;

const suspectOf = ({ id, service, version }: Change): Pick<ClearedSuspect, 'change_id' | 'service' | 'version'> => ({
  change_id: id,
  service,
  version,
});

/** Returns whether the incident has neither an effective mitigation nor a rollback in progress. */
export const needsJudgement = ({ status, effects }: IncidentView): boolean =>
  status !== 'mitigated' &&
  !effects.some(({ kind, state }) => kind === 'roll-back' && (state === 'intended' || state === 'accepted'));

/** Returns whether a question about a rollback is waiting. */
export const isOpenRollbackQuestion = ({ question, state }: DecisionView): boolean =>
  question === undefined && state === 'waiting';

export type StartedRollback = Effect & { to: Version | null };

/** Returns the rollbacks of a change in this incident that were started and have not failed. */
export async function rollbacksOf(
  deps: DecisionDeps,
  { id, decisions, effects }: IncidentView,
  change: Change,
): Promise<StartedRollback[]> {
  const started: StartedRollback[] = [];
  for (const decision of decisions) {
    const key = rollbackKey(id, Number(numberOf(decision.id)));
    const effect = effects.find((one) => one.kind === 'roll-back' && one.key === key);
    const isStarted = effect !== undefined && ['intended', 'accepted', 'succeeded'].includes(effect.state);
    if (isStarted && (await isAboutRollbackOf(deps, id, decision, suspectOf(change))))
      started.push({ ...effect, to: decision.to_version });
  }
  return started;
}

/** Marks rollbacks as wrong. Rollbacks that a person requested do not count. */
async function countAsWrong(
  deps: CauseDeps,
  caller: Caller,
  id: IncidentId,
  rollbacks: readonly StartedRollback[],
  text: string,
): Promise<boolean> {
  let wrong = false;
  for (const { key } of rollbacks) {
    try {
      await markWrong(deps, caller, { id, note: text, key });
      wrong = true;
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'nothing-to-mark') throw error;
    }
  }
  return wrong;
}

/** Says what clearing a suspect did. @param by name of the person who reads it */
export function clearingWords(result: ClearingResult, by: string): string {
  const { cleared, wrong } = result;
  const counts = wrong ? ' The rollback is marked as wrong, which counts against the automation of the service.' : '';
  const clearedBy = cleared.by === by ? '' : ` ${cleared.by} has already cleared it, at ${minuteText(cleared.at)}.`;
  return `${whatFollows(result)}${counts}${clearedBy}`;
}

function whatFollows({ cleared: { version }, over, withdrawn, rollback, judged }: ClearingResult): string {
  if (over) return `${version} is cleared on the timeline only, because the incident is already resolved.`;
  if (rollback?.state === 'under_way')
    return `${version} is cleared, but its rollback${toWords(rollback)} is in progress and continues.`;
  if (rollback !== null)
    return `${version} is cleared, but it was already rolled back${toWords(rollback)}. ${pinWords(rollback)}`;
  const question = withdrawn === 0 ? '' : ' The question about it is withdrawn.';
  const next = judged ? ' Firebreak now evaluates the other suspects.' : '';
  return `${version} is cleared: Firebreak no longer asks about it, and rolls it back only if a person requests that.${question}${next}`;
}

export const toWords = ({ to }: RollbackOfSuspect): string => (to === null ? '' : ` to ${to}`);

/** Says whether a version that was rolled back may be deployed again. */
export const pinWords = ({ pinned }: RollbackOfSuspect): string =>
  pinned ? 'It stays pinned until the pin is lifted.' : 'It is not pinned, so it can be deployed again.';
