import { brokenOff, drillKey, heard, pauseSeconds, type Said } from '../../domain/drill.ts';
import type { Deps } from '../../domain/ports.ts';
import type { Deployer, RollbackRequest } from '../../domain/targets.ts';
import { shippedSince } from '../../domain/versions.ts';
import type { DrillId, DrillRecord } from '../../schemas/drill.ts';
import { IncidentId } from '../../schemas/names.ts';
import { entryOf, readAutomation } from './judge.ts';
import { deployerAt } from './roll-back.ts';

/** How many changes of a place are looked at, as for a rollback. */
const CHANGES_READ = 50;

/** Whether the drill is over, and when to go on else, in seconds of the product's own time. */
export type Advanced = { over: boolean; pauseSeconds: number };

const OVER: Advanced = { over: true, pauseSeconds: 0 };
const AGAIN: Advanced = { over: false, pauseSeconds: 1 };

/** This run is in charge from now on. `false`: another one is, or it is over. */
export async function takeCharge(deps: Deps, id: DrillId, number: number, execution: string): Promise<boolean> {
  const drill = await deps.drills.get(id);
  if (drill === undefined || drill.phase === 'ended' || drill.run !== number) return false;
  if (drill.execution === execution) return true;
  if (await deps.drills.put({ ...drill, execution })) return true;
  throw new Error(`drill ${id} changed while its run began; the step is tried again`);
}

/** One attempt: what is to be done next by what the table says, and what came of it. */
export async function advanceDrill(deps: Deps, id: DrillId): Promise<Advanced> {
  const drill = await deps.drills.get(id);
  if (drill === undefined || drill.phase === 'ended') return OVER;
  const attempted = await attempt(deps, drill);
  if (attempted === 'changed') return AGAIN;
  const at = deps.clock.now();
  if (attempted === 'lost') {
    await deps.drills.put(brokenOff(drill, 'the target was taken by somebody else meanwhile', at));
    return AGAIN;
  }
  const after = heard(attempted.drill, attempted.said, at);
  if (!(await deps.drills.put(after))) return AGAIN;
  return after.phase === 'ended' ? OVER : { over: false, pauseSeconds: pauseSeconds(after, attempted.said) };
}

async function attempt(
  deps: Deps,
  drill: DrillRecord,
): Promise<{ drill: DrillRecord; said: Said } | 'changed' | 'lost'> {
  const deployer = await deployerAt(deps, drill);
  if (deployer === undefined) return { drill, said: NO_DEPLOYER };
  if (drill.phase === 'hold') return { drill, said: await looked(deployer, drill) };
  // What is under way is followed to its end, whatever has changed since.
  if (drill.handle !== null) return { drill, said: await deployer.status(drill.handle, requestOf(drill)) };
  const no = await whyNot(deps, drill);
  if (no !== undefined) return { drill, said: no };
  const claimed = await deps.drills.claim(drill);
  if (typeof claimed === 'string') return claimed;
  return { drill: claimed, said: await deployer.rollBack(requestOf(claimed)) };
}

const looked = async (deployer: Deployer, drill: DrillRecord): Promise<Said> =>
  (await deployer.held?.(requestOf(drill))) ?? { kind: 'unknown', detail: 'the target cannot be asked' };

/** What stands against calling the target at this moment. Once it may have been called, only what forbids every act. */
async function whyNot(deps: Deps, drill: DrillRecord): Promise<Said | undefined> {
  const { guard } = await readAutomation(deps);
  if (guard.state === 'unreadable') return withheld(`the kill switch could not be read: ${guard.detail}`);
  if (guard.paused) return withheld('the kill switch is on');
  const newer = shippedSince(await deps.changes.recent(drill, CHANGES_READ), drill.from_version);
  // What the CD system tells of the drill's own way back is no newer deploy.
  if (newer !== undefined && !(drill.begun && newer.version === drill.to_version))
    return { kind: 'superseded', current: newer.version };
  return drill.begun ? undefined : whyNotBegin(deps, drill);
}

async function whyNotBegin(deps: Deps, drill: DrillRecord): Promise<Said | undefined> {
  const { service, environment, to_version: to } = drill;
  const entry = entryOf((await deps.config.current()).services, drill);
  if (entry?.drills !== true) return withheld('the catalogue does not say `drills: true` there any more');
  const open = await deps.incidents.open();
  if (open.some((incident) => incident.service === service && incident.environment === environment))
    return withheld('an incident has opened there');
  const pinned = (await deps.pins.of(drill)).some(({ version }) => version === to);
  return pinned ? withheld(`${to} has been pinned as known bad meanwhile`) : undefined;
}

const NO_DEPLOYER = withheld('no deployer is configured for this service and environment');

function withheld(detail: string): Said {
  return { kind: 'withheld', detail };
}

/** Forth again is the same with its versions swapped. */
function requestOf(drill: DrillRecord): RollbackRequest {
  const { id, service, environment, phase, from_version, to_version, from_commit, to_commit } = drill;
  const back = phase !== 'forth';
  return {
    service,
    environment,
    from: back ? from_version : to_version,
    to: back ? to_version : from_version,
    fromCommit: back ? from_commit : to_commit,
    toCommit: back ? to_commit : from_commit,
    // Targets see drills as they see incidents, and find what they did for one by its id.
    incident: IncidentId.parse(id),
    reason: `Drill asked by ${drill.asked_by}: ${back ? 'the way back' : 'forth again'}`.slice(0, 500),
    key: drillKey(drill),
  };
}
