import { CLEARED_MAX, clearingOf, withCleared } from '../../domain/cleared.ts';
import type { Deps } from '../../domain/ports.ts';
import type { Change } from '../../schemas/change.ts';
import type { Cleared, DecisionView, Effect, IncidentView } from '../../schemas/incident.ts';
import { ChangeId, type IncidentId, type Version } from '../../schemas/names.ts';
import { rollbackKey } from '../../workflows/steps/roll-back.ts';
import { asksToRollBack, withdrawAbout } from '../../workflows/steps/withdraw-about.ts';
import { wake } from '../../workflows/wake.ts';
import { Refusal } from '../api/problem.ts';
import { note } from './incidents.ts';
import { view } from './incident-view.ts';
import { markWrong } from './mark-wrong.ts';
import { seesToIt } from './sees-to-it.ts';
import type { Who } from './who.ts';

type CauseDeps = Pick<Deps, 'automation' | 'incidents' | 'decisions' | 'changes' | 'clock' | 'engine'>;

/** A rollback that this incident has begun of what was no cause. */
export type NeedlessRollback = { state: 'under_way' | 'done'; to: Version | null };

/** What has come of it that a change was cleared. */
export type ClearedNow = {
  /** As it is now. */
  incident: IncidentView;
  cleared: Cleared;
  /** It is over, so it was only written down. */
  over: boolean;
  /** Questions about it that nobody has to answer any more. */
  withdrawn: number;
  /** Null: it was not rolled back. */
  rollback: NeedlessRollback | null;
  /** What was done about it counts against the automation of its service. */
  wrong: boolean;
};

/**
 * A person says that a change was not the cause of an incident. From then on it is no suspect of that incident: it is
 * not asked about, and not rolled back without a person, until somebody takes it back (`suspectAgain`) or asks for a
 * rollback of it by hand. What was asked about it is withdrawn, what automation has done about it counts as wrong, and
 * what is left is judged. What is being rolled back already goes on. The same again is success and changes nothing.
 *
 * @param text what they say of it, for the timeline; empty: only that
 * @throws Refusal 403, 404; 409 `no-suspect`, `too-many-cleared`
 */
export async function notTheDeploy(
  deps: CauseDeps,
  who: Who,
  { id, change: named, key, text = '' }: { id: IncidentId; change: string; key: string; text?: string },
): Promise<ClearedNow> {
  const before = await view(deps, id);
  who.allow('incidents:act', before);
  const change = await changeOf(deps, before, named);
  const known = clearingOf(before.cleared, change);
  const said = known ?? clearingBy(who, change, deps.clock.now());
  const { cleared, over } = await clear(deps, who, { before, said, judge: leavesWork(before, change), key, text });
  const now = await view(deps, id);
  const withdrawn = over ? [] : await withdrawAbout(deps, now, cleared);
  const rollbacks = rollbacksOf(now, change);
  const wrong = await countAsWrong(deps, who, id, rollbacks, `${change.version} was not the cause`);
  if (!over) {
    await seesToIt(deps, who, id);
    await wake(deps, id);
  }
  const last = rollbacks.at(-1);
  return {
    incident: await view(deps, id),
    cleared,
    over,
    withdrawn: withdrawn.length,
    rollback: last === undefined ? null : { state: last.state === 'succeeded' ? 'done' : 'under_way', to: last.to },
    wrong,
  };
}

/** @throws Refusal 404 where nothing is known of it, 409 where it is of another environment */
export async function changeOf(
  { changes }: Pick<Deps, 'changes'>,
  { id, environment }: IncidentView,
  named: string,
): Promise<Change> {
  const read = ChangeId.safeParse(named);
  const change = read.success ? await changes.get(read.data) : undefined;
  if (change === undefined) throw new Refusal(404, 'unknown-deployment', `there is no deployment ${named}`);
  if (change.environment === environment) return change;
  throw new Refusal(
    409,
    'no-suspect',
    `${change.version} was put into ${change.environment}, and incident ${id} is one of ${environment}: it is no suspect there`,
  );
}

const clearingBy = (
  { name: by }: Who,
  { id: change_id, service, version, kind }: Change,
  at: Cleared['at'],
): Cleared => ({ change_id, service, version, kind, by, at });

/** Writes it down once, whoever says it at the same time. `over`: of what is over only the timeline is told. */
async function clear(
  deps: CauseDeps,
  who: Who,
  {
    before,
    said,
    judge,
    key,
    text,
  }: { before: IncidentView; said: Cleared; judge: boolean; key: string; text: string },
): Promise<{ cleared: Cleared; over: boolean }> {
  const { id, status, cleared } = before;
  const { change_id: change, version, by } = said;
  const entry = {
    actor: by,
    kind: 'suspect.cleared',
    text: text || `${version} was not the cause`,
    detail: { change, version },
  };
  if (status !== 'resolved') {
    if (cleared.includes(said)) return { cleared: said, over: false };
    if (cleared.length >= CLEARED_MAX)
      throw new Refusal(409, 'too-many-cleared', `${CLEARED_MAX} changes are cleared of incident ${id} already`);
    const earlier = cleared.find(({ change_id }) => change_id === change);
    const posted = await deps.incidents.post(
      id,
      { kind: 'cleared', by, change, judge },
      (now) => ({ cleared: withCleared(now.cleared, said), timeline: entry }),
      `cleared-${change}-after-${earlier?.back?.at ?? 'none'}`,
    );
    // Where somebody else was faster, theirs stands.
    if (posted) return { cleared: clearingNow(await view(deps, id), said), over: false };
  }
  await note(deps, who, { id, key, ...entry });
  return { cleared: said, over: true };
}

const clearingNow = ({ cleared }: IncidentView, said: Cleared): Cleared =>
  cleared.find(({ change_id }) => change_id === said.change_id) ?? said;

/** What is left is to be judged: nothing is done about this one, and no other is asked about, which goes on to be asked. */
const leavesWork = (incident: IncidentView, change: Change): boolean =>
  needsJudgement(incident) &&
  rollbacksOf(incident, change).length === 0 &&
  !incident.decisions.some((one) => isAsked(one) && !asksToRollBack(one, change));

/** Nothing has helped so far, and no rollback may yet: else it is judged when that has not helped. */
export const needsJudgement = ({ status, effects }: IncidentView): boolean =>
  status !== 'mitigated' &&
  !effects.some(({ kind, state }) => kind === 'roll-back' && (state === 'intended' || state === 'accepted'));

/** A person is asked whether to roll something back. */
export const isAsked = ({ question, state }: DecisionView): boolean => question === undefined && state === 'waiting';

type Begun = Effect & { to: Version | null };

/** What this incident has begun to roll back of it, and has not failed to. */
export function rollbacksOf(
  { id, decisions, effects }: IncidentView,
  { service, version }: Pick<Change, 'service' | 'version'>,
): Begun[] {
  return decisions
    .filter(
      ({ question, target, from_version }) =>
        question === undefined && target?.service === service && from_version === version,
    )
    .flatMap((decision) => {
      const key = rollbackKey(id, Number(decision.id.split('-').at(-1)));
      const effect = effects.find((one) => one.kind === 'roll-back' && one.key === key);
      const begun = effect !== undefined && ['intended', 'accepted', 'succeeded'].includes(effect.state);
      return begun ? [{ ...effect, to: decision.to_version }] : [];
    });
}

/** What a person has asked for by hand is theirs, and counts against nothing. */
async function countAsWrong(
  deps: CauseDeps,
  who: Who,
  id: IncidentId,
  rollbacks: readonly Begun[],
  text: string,
): Promise<boolean> {
  let wrong = false;
  for (const { key } of rollbacks) {
    try {
      await markWrong(deps, who, { id, note: text, key });
      wrong = true;
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'nothing-to-mark') throw error;
    }
  }
  return wrong;
}
