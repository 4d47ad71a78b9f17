import * as z from 'zod';
import { isSameActor } from '../../domain/actor-names.ts';
import type { Deps } from '../../domain/ports.ts';
import { minuteOf } from '../../domain/story.ts';
import type { DecisionView, IncidentView } from '../../schemas/incident.ts';
import { Version } from '../../schemas/names.ts';
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
  const switched = SWITCHES[action];
  if (switched !== undefined) return switchedBefore(deps, incident, action, switched);
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

/** What turns the automation of an incident off and on, by what it leaves on the timeline. */
const SWITCHES: Readonly<Record<string, string>> = {
  pause: 'automation.paused',
  resume: 'automation.resumed',
  abort: 'automation.aborted',
};

/** How far back it is looked for what somebody has said last; behind that it is said again. */
const SWITCHES_READ = 200;

/** Whether it was the last of these that anybody has said, and nothing has been asked since. */
async function switchedBefore(
  deps: Pick<Deps, 'incidents'>,
  { id, decisions }: IncidentView,
  action: string,
  kind: string,
): Promise<Wish> {
  const { items } = await deps.incidents.timeline(id, { limit: SWITCHES_READ });
  const last = items.find((entry) => Object.values(SWITCHES).includes(entry.kind));
  const open = action === 'abort' && decisions.some(({ state }) => state === 'waiting');
  const once = `${action}-after-${last === undefined ? 'none' : `${last.kind}-${last.at}`}`;
  return { fulfilled: last?.kind === kind && !open, once: open ? `${once}-with-${decisions.length}` : once };
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

/** What a rollback that somebody has asked for takes back, and where it goes, as far as that was known then. */
export const AskedFor = z.object({ from: Version.nullable(), to: Version.nullable() });
export type AskedFor = z.infer<typeof AskedFor>;

/**
 * What was asked for a moment ago is not decided yet: whoever was shown something else is told.
 * @throws Refusal 409
 */
async function refuseBesideAnother(
  { incidents, clock }: Pick<Deps, 'incidents' | 'clock'>,
  { id, decisions }: IncidentView,
  shown: Version,
): Promise<void> {
  const { items } = await incidents.timeline(id, { limit: SWITCHES_READ });
  const last = items.find(({ kind }) => kind === 'rollback.asked');
  if (last === undefined || secondsBetween(last.at, clock.now()) >= DOUBLE_CLICK_SECONDS) return;
  if (decisions.some(({ at }) => at > last.at)) return;
  const asked = AskedFor.safeParse(last.detail);
  if (!asked.success || asked.data.to === null || asked.data.to === shown) return;
  const { from, to } = asked.data;
  throw new Refusal(
    409,
    'rollback-in-progress',
    `a rollback of ${from ?? 'this service'} to ${to} was asked for by ${last.actor} at ${minuteOf(last.at)}; wait for its end, and ask again for ${shown}`,
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
