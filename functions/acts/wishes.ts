import { isSameActor } from '../../domain/actor-names.ts';
import type { Deps } from '../../domain/ports.ts';
import { minuteOf } from '../../domain/story.ts';
import type { AskedLast, DecisionView, IncidentView } from '../../schemas/incident.ts';
import type { Version } from '../../schemas/names.ts';
import { secondsBetween, type Timestamp } from '../../schemas/time.ts';
import { Refusal } from '../api/problem.ts';
import type { TakeOver } from './take-over.ts';

/** `fulfilled`: it is so already. `once`: the key under which the wish is taken once. */
export type Wish = { fulfilled: boolean; once?: string };

/**
 * A double click does nothing twice.
 * @throws Refusal 409 when it cannot be now
 */
export async function wishOf(
  deps: Pick<Deps, 'automation' | 'incidents' | 'decisions' | 'clock'>,
  { action, to, shown }: { action: TakeOver; to?: Version; shown?: Version },
  incident: IncidentView,
  by: string,
): Promise<Wish> {
  if (action === 'publish') return { fulfilled: false, once: 'publish' };
  if (action === 'resolve') return { fulfilled: incident.status === 'resolved' };
  if (incident.status === 'resolved') return { fulfilled: false };
  const switched = action === 'pause' || action === 'resume' || action === 'abort';
  if (switched) return switchedBefore(deps, incident, action);
  if (action !== 'rollback') return { fulfilled: false };
  if ((await deps.automation.read()).paused) {
    throw new Refusal(
      409,
      'automation-paused',
      'the kill switch is on, so nothing is rolled back from here; PUT /v1/automation {"paused": false} first',
    );
  }
  if (await isRollingBack(deps, incident, by, to ?? shown)) return { fulfilled: true };
  const last = justRolledBack(incident, deps.clock.now());
  if (to !== undefined && last?.to_version === to) return { fulfilled: true };
  // Whoever names another version means that one.
  if (to === undefined && last !== undefined) {
    throw new Refusal(
      409,
      'just-rolled-back',
      `a person has rolled this back within the last ${DOUBLE_CLICK_SECONDS} seconds; ask again later to go back further`,
    );
  }
  if (shown !== undefined) await refuseBesideAnother(deps, incident, shown);
  const judged = (await deps.incidents.read(incident.id))?.mitigations ?? 0;
  // Until it is judged, it is the same wish.
  return { fulfilled: false, once: `rollback-after-${judged}${to === undefined ? '' : `-to-${to}`}` };
}

/** Whether it was the last of these that anybody has said, and nothing has been asked since. */
async function switchedBefore(
  deps: Pick<Deps, 'incidents'>,
  { id, decisions }: IncidentView,
  action: NonNullable<AskedLast['switched']>['action'],
): Promise<Wish> {
  const incident = await deps.incidents.read(id);
  const last = incident?.asked?.switched;
  const isSo = last?.action === action && incident?.automation_paused === (action !== 'resume');
  const open = action === 'abort' && decisions.some(({ state }) => state === 'waiting');
  const once = `${action}-since-${last === undefined ? 'none' : `${last.action}-${last.at}`}`;
  return { fulfilled: isSo && !open, once: open ? `${once}-with-${decisions.length}` : once };
}

/**
 * Whether what this person has asked for is under way.
 * @throws Refusal 409 when another one is: what comes after it begins with another version
 */
async function isRollingBack(
  deps: Pick<Deps, 'decisions'>,
  { id, effects, decisions }: IncidentView,
  by: string,
  wanted: Version | undefined,
): Promise<boolean> {
  const running = effects.findLast(
    ({ kind, state }) => kind === 'roll-back' && (state === 'intended' || state === 'accepted'),
  );
  if (running === undefined) return false;
  const number = Number(running.key.split('.').at(-1));
  const asked = (await deps.decisions.inputs(id, number))?.asked;
  const { from_version: from, to_version: to } = decisions.find(({ id: own }) => own === `${id}-${number}`) ?? {};
  const theSame = wanted === undefined || wanted === to;
  if (asked?.by === 'person' && isSameActor(asked.who, by) && theSame) return true;
  const whose = asked?.by === 'person' ? `, asked for by ${asked.who},` : '';
  throw new Refusal(
    409,
    'rollback-in-progress',
    `the rollback of ${from ?? 'this service'} to ${to ?? 'an earlier version'}${whose} is in progress since ${running.at}; wait for its end, and ask again to go back further`,
  );
}

/**
 * What was asked for a moment ago is not decided yet: whoever was shown something else is told.
 * @throws Refusal 409
 */
async function refuseBesideAnother(
  { incidents, clock }: Pick<Deps, 'incidents' | 'clock'>,
  { id, decisions }: IncidentView,
  shown: Version,
): Promise<void> {
  const last = (await incidents.read(id))?.asked?.rollback;
  if (last === undefined || secondsBetween(last.at, clock.now()) >= DOUBLE_CLICK_SECONDS) return;
  if (decisions.some(({ at }) => at > last.at)) return;
  const { from, to } = last;
  if (to === null || to === shown) return;
  throw new Refusal(
    409,
    'rollback-in-progress',
    `a rollback of ${from ?? 'this service'} to ${to} was asked for by ${last.by} at ${minuteOf(last.at)}; wait for its end, and ask again for ${shown}`,
  );
}

/** A rollback can be over in a second, and the next one would take out the good version that it brought back. */
const DOUBLE_CLICK_SECONDS = 60;

/** The decision of it; undefined: no person has had it rolled back within this time. */
function justRolledBack({ decisions, effects }: IncidentView, now: Timestamp): DecisionView | undefined {
  const last = decisions.at(-1);
  const just = effects.some(
    ({ kind, state, at }) =>
      kind === 'roll-back' && state === 'succeeded' && secondsBetween(at, now) < DOUBLE_CLICK_SECONDS,
  );
  return just && last?.because === 'asked_by_person' ? last : undefined;
}
