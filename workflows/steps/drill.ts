import { restoresByRevert } from '../../core/domain/changes/deploy-repository.ts';
import { bringsVersion, currentVersion, pinnedVersions } from '../../core/domain/changes/identified-versions.ts';
import { isOtherNameThan } from '../../core/domain/changes/recognize.ts';
import { nameOf } from '../../core/domain/changes/version-identity.ts';
import { environmentEntry } from '../../core/domain/catalogue/catalogue.ts';
import {
  abortedDrill,
  drillKey,
  afterAttempt,
  pauseSeconds,
  type StepReport,
} from '../../core/domain/automation/drill.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import { whyStopped } from '../../core/domain/rollback/apply-guards.ts';
import type { Deployer, RollbackCall } from '../../core/domain/rollback/targets.ts';
import { newerLiveChange } from '../../core/domain/changes/versions.ts';
import type { DrillId, DrillRecord } from '../../schemas/automation/drill.ts';
import { IncidentId } from '../../schemas/config/names.ts';
import { readAutomation } from './judge-incident.ts';
import { callDeployer, deployerAt } from './roll-back.ts';

/** Number of changes read per service and environment, as for a rollback. */
const CHANGES_READ = 50;

/** Whether the drill is over; if not, the pause before the next attempt, in seconds of the product's time. */
export type Advanced = { over: boolean; pauseSeconds: number };

const OVER: Advanced = { over: true, pauseSeconds: 0 };
const AGAIN: Advanced = { over: false, pauseSeconds: 1 };

/** Puts this run in charge of a drill. `false`: another run is in charge, or the drill is over. */
export async function beginDrill(deps: Deps, id: DrillId, number: number, execution: string): Promise<boolean> {
  const drill = await deps.drills.get(id);
  if (drill === undefined || drill.phase === 'ended' || drill.run !== number) return false;
  if (drill.execution === execution) return true;
  if (await deps.drills.put({ ...drill, execution })) return true;
  throw new Error(`Drill ${id} changed while its run started; retrying the step`);
}

/** Makes one attempt at the next action according to the table, and stores the result. */
export async function advanceDrill(deps: Deps, id: DrillId): Promise<Advanced> {
  const drill = await deps.drills.get(id);
  if (drill === undefined || drill.phase === 'ended') return OVER;
  const attempted = await attempt(deps, drill);
  if (attempted === 'changed') return AGAIN;
  const at = deps.clock.now();
  if (attempted === 'lost') {
    await deps.drills.put(abortedDrill(drill, 'another operation has locked the target in the meantime', at));
    return AGAIN;
  }
  const after = afterAttempt(attempted.drill, attempted.result, at);
  if (!(await deps.drills.put(after))) return AGAIN;
  return after.phase === 'ended' ? OVER : { over: false, pauseSeconds: pauseSeconds(after, attempted.result) };
}

async function attempt(
  deps: Deps,
  drill: DrillRecord,
): Promise<{ drill: DrillRecord; result: StepReport } | 'changed' | 'lost'> {
  const deployer = await deployerAt(deps, drill);
  if (deployer === undefined) return { drill, result: NO_DEPLOYER };
  if (drill.phase === 'hold') return { drill, result: await checkTarget(deployer, drill) };
  // An operation in progress is followed to its end, whatever has changed since.
  if (drill.handle !== null) return { drill, result: await deployer.status(drill.handle, requestOf(drill)) };
  const obstacle = await obstacleOf(deps, drill);
  if (obstacle !== undefined) return { drill, result: obstacle };
  const claimed = await deps.drills.claim(drill);
  if (typeof claimed === 'string') return claimed;
  return { drill: claimed, result: await callDeployer(deployer, requestOf(claimed)) };
}

const checkTarget = async (deployer: Deployer, drill: DrillRecord): Promise<StepReport> =>
  (await deployer.checkDrift?.(requestOf(drill))) ?? {
    kind: 'unknown',
    detail: 'the target does not report whether it holds',
  };

/** Returns why the target must not be called now. After a possible earlier call, only the guards of every action apply. */
async function obstacleOf(deps: Deps, drill: DrillRecord): Promise<StepReport | undefined> {
  const { killSwitch } = await readAutomation(deps);
  // No person has agreed to this very call, so no guard is overridden.
  const known = { agreement: 'none', guard: killSwitch, pinned: [], to: drill.to_version } as const;
  const stopped = whyStopped('drill', known);
  if (stopped !== undefined) return withheld(stopped.text);
  const changes = await deps.changes.recent(drill, CHANGES_READ);
  const newer = newerLiveChange(changes, currentVersion(changes, drill.from_version, drill.from_commit));
  const to = currentVersion(changes, drill.to_version, drill.to_commit);
  const entry = environmentEntry((await deps.config.current()).services, drill);
  // The CD system may have reported the drill's own rollback, which is no newer deploy.
  const { from_version: from, from_name: fromName, to_version, to_name: toName } = drill;
  const isOtherName = isOtherNameThan(fromName ?? from, nameOf({ version: toName ?? to_version }));
  const byName = restoresByRevert(entry?.deployer) || isOtherName;
  if (newer !== undefined && !(drill.begun && bringsVersion(newer, to, { byName })))
    return { kind: 'superseded', current: newer.version };
  if (drill.begun) return undefined;
  if (entry?.drills !== true)
    return withheld('the catalogue no longer sets `drills: true` for this service and environment');
  const open = await deps.incidents.open();
  if (open.some(({ service, environment }) => service === drill.service && environment === drill.environment))
    return withheld('an incident is open for this service and environment');
  const pinned = whyStopped('drill', { ...known, to, pinned: pinnedVersions(await deps.pins.of(drill), changes) });
  return pinned && withheld(pinned.text);
}

const NO_DEPLOYER = withheld('no deployer is configured for this service and environment');

function withheld(detail: string): StepReport {
  return { kind: 'withheld', detail };
}

/** Builds the request to the target. The roll-forward is a rollback with swapped versions. */
function requestOf(drill: DrillRecord): RollbackCall {
  const { id, service, environment, phase, from_version, to_version, from_commit, to_commit } = drill;
  const { from_name = from_version, to_name = to_version } = drill;
  const isRollback = phase !== 'forth';
  return {
    service,
    environment,
    from: isRollback ? from_name : to_name,
    to: isRollback ? to_name : from_name,
    fromCommit: isRollback ? from_commit : to_commit,
    toCommit: isRollback ? to_commit : from_commit,
    // Targets treat a drill like an incident, and look up their operations by its ID.
    incident: IncidentId.parse(id),
    reason: `Rollback drill requested by ${drill.asked_by}: ${isRollback ? 'rolling back' : 'rolling forward'}`.slice(
      0,
      500,
    ),
    key: drillKey(drill),
  };
}
