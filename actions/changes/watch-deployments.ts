import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Config } from '../../schemas/config/config.ts';
import { EnvironmentName, ServiceName } from '../../schemas/config/names.ts';
import type { DeployerConfig } from '../../schemas/rollback/targets/index.ts';
import { pooled } from '../shared/concurrency.ts';
import { reportChange, type ReportDeps } from './report-change.ts';

export type WatchDeps = ReportDeps & Pick<Deps, 'deployerFor'>;

/** Number of targets that are read in parallel. */
const AT_ONCE = 8;

/**
 * Records the rollouts of targets that report none by themselves, and whose deployer has `recordRollouts`. Reads each
 * target once; what happened since the last time follows from its state.
 */
export async function watchDeployments(deps: WatchDeps): Promise<void> {
  const { services } = await deps.config.current();
  await pooled(watchedDeployments(services), AT_ONCE, async ({ place, deployer }) => {
    try {
      await watchOne(deps, place, deployer);
    } catch (error) {
      deps.log.error('the rollouts of a target could not be recorded', { ...place, error: String(error) });
    }
  });
}

/** Returns the targets whose deployer has `recordRollouts`. */
export const watchedDeployments = (
  services: Config['services'],
): { place: ServiceEnvironment; deployer: DeployerConfig }[] =>
  Object.entries(services).flatMap(([service, { environments }]) =>
    Object.entries(environments).flatMap(([environment, { deployer }]) =>
      deployer?.kind === 'kubernetes' && deployer.recordRollouts === true
        ? [
            {
              place: { service: ServiceName.parse(service), environment: EnvironmentName.parse(environment) },
              deployer,
            },
          ]
        : [],
    ),
  );

/** Records the newest rollout of a target, if there is one that is not recorded yet. */
export async function watchOne(deps: WatchDeps, place: ServiceEnvironment, config: DeployerConfig): Promise<void> {
  const deployer = await deps.deployerFor(config, place);
  const observed = await deployer?.lastRollout?.();
  if (observed === undefined) return;
  if (observed.kind !== 'observed') {
    deps.log.warn('the rollouts of a target could not be read', { ...place, detail: observed.detail });
    return;
  }
  const { report, superseded } = observed;
  if (report === null) return;
  const trace = `rollouts-${place.service}-${place.environment}`;
  const subject = { ...report.subject, ...place };
  const isNew = (await deps.rollouts.get(report)) === undefined;
  // What was in progress was replaced, and never ends.
  for (const key of isNew ? superseded : []) {
    const earlier = await deps.rollouts.get({ source: report.source, key });
    if (earlier?.rollout.status?.value !== 'started') continue;
    const at = report.started_at ?? report.at;
    await reportChange(deps, { source: report.source, key, at, subject, status: 'cancelled' }, trace);
  }
  await reportChange(deps, { ...report, subject }, trace);
}
