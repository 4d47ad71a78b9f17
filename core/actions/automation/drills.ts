import { commitForDeployer, knowsNamesOnly, restoresByRevert } from '../../domain/changes/deploy-repository.ts';
import { newestOf, pinnedVersions, whyNameUnclear } from '../../domain/changes/identified-versions.ts';
import { abortedDrill, type DrillRefusal } from '../../domain/automation/drill.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { newestLiveChange, NONE_KNOWN_GOOD, rollbackTarget } from '../../domain/changes/versions.ts';
import type { DrillId, DrillRecord } from '../../../schemas/automation/drill.ts';
import { environmentEntry } from '../../domain/catalogue/catalogue.ts';
import { eachAlone } from '../each-alone.ts';
import { hasFailed } from '../failed-run.ts';
import { deployerAt } from '../../../workflows/steps/roll-back.ts';

/** How many recent changes are considered, as for a rollback. */
const CHANGES_READ = 50;

/** The maximum number of runs. A run that dies repeatedly is a bug that another run does not fix. */
const RUNS_MAX = 20;

type Planned = { ok: true; drill: DrillRecord } | { ok: false; reason: DrillRefusal };

/**
 * Plans a drill from the running version to the version that a rollback would choose, or returns why none is possible.
 */
export async function planDrill(
  deps: Pick<Deps, 'config' | 'targets' | 'automation' | 'changes' | 'pins' | 'clock'>,
  serviceEnvironment: ServiceEnvironment,
  { id, by }: { id: DrillId; by: string },
): Promise<Planned> {
  const entry = environmentEntry((await deps.config.current()).services, serviceEnvironment);
  if (entry === undefined)
    return refuse(
      'unknown-service-environment',
      `the catalogue has no service ${serviceEnvironment.service} in ${serviceEnvironment.environment}`,
    );
  if (!entry.drills) return refuse('drills-not-enabled', NO_DRILLS);
  if ((await deps.automation.read()).paused)
    return refuse('automation-paused', 'the kill switch is on, so drills are not possible');
  const deployer = await deployerAt(deps, serviceEnvironment);
  if (deployer === undefined) return refuse('no-deployer', NO_DEPLOYER);
  const changes = await deps.changes.recent(serviceEnvironment, CHANGES_READ);
  const live = newestLiveChange(changes);
  if (live === undefined)
    return refuse(
      'no-rollback-target',
      'no deployment is recorded for this service and environment, so the running version is unknown',
    );
  if (live.status !== 'succeeded')
    return refuse('deploy-in-progress', `${live.version} is being deployed; start the drill after the deployment`);
  const pinned = pinnedVersions(await deps.pins.of(serviceEnvironment), changes);
  const target = rollbackTarget(changes, live, pinned);
  if (target.kind === 'none_known_good') return refuse('no-rollback-target', NONE_KNOWN_GOOD);
  if (target.kind === 'unsafe')
    return refuse(
      'no-rollback-target',
      `${target.by.version} can be rolled back no further than ${target.by.rollback_safe_to}`,
    );
  const to = newestOf(changes, target.version);
  // A drill restores both versions: the earlier one, and then the running one.
  const namesOnly = knowsNamesOnly(entry.deployer);
  const unclear =
    whyNameUnclear(changes, target.version, { namesOnly }) ?? whyNameUnclear(changes, live.version, { namesOnly });
  if (unclear !== null) return refuse('no-rollback-target', unclear);
  // After a revert, its commit runs.
  const byRevert = restoresByRevert(entry.deployer);
  const at = deps.clock.now();
  const drill: DrillRecord = {
    id,
    service: serviceEnvironment.service,
    environment: serviceEnvironment.environment,
    from_version: live.version,
    to_version: target.version,
    ...(live.reported_version !== undefined && { from_name: live.reported_version }),
    ...(to?.reported_version !== undefined && { to_name: to.reported_version }),
    from_commit: commitForDeployer(byRevert ? live : (newestOf(changes, live.version) ?? live), entry.deployer),
    to_commit: to === undefined ? null : commitForDeployer(to, entry.deployer),
    target: deployer.target,
    resource: deployer.resource,
    asks_hold: deployer.checkDrift !== undefined,
    asked_by: by,
    started_at: at,
    ended_at: null,
    phase: 'back',
    outcome: null,
    reason: null,
    rollback_s: null,
    duration_s: null,
    steps: [],
    begun: false,
    handle: null,
    attempts: 0,
    run: 1,
    execution: null,
    rev: 0,
  };
  return { ok: true, drill };
}

/** Starts drills whose workflow is not started yet, and replaces failed runs, each minute. */
export async function startOrphanedDrills(deps: Pick<Deps, 'drills' | 'runs' | 'engine' | 'clock' | 'log'>) {
  await eachAlone(deps.log, 'a drill', await deps.drills.running(), async (drill) => {
    const { id, run, execution } = drill;
    if (!(await hasFailed(deps, execution, () => deps.runs.drill.start(id, run)))) return;
    deps.log.error('the workflow of a drill has failed', { drill: id, run });
    if (run >= RUNS_MAX)
      await deps.drills.put(abortedDrill(drill, `its workflow has failed ${run} times`, deps.clock.now()));
    else if (await deps.drills.put({ ...drill, run: run + 1, execution: null }))
      await deps.runs.drill.start(id, run + 1);
  });
}

const refuse = (code: DrillRefusal['code'], text: string): Planned => ({ ok: false, reason: { code, text } });

const NO_DRILLS =
  'drills roll the service back and forward again, so they must be enabled: set `drills: true` for this environment in the catalogue';
const NO_DEPLOYER =
  'no deployer is configured for this service and environment, or it has no address and no default address is set';
