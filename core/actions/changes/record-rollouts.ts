import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import type { DeployerConfig } from '../../../schemas/rollback/targets.ts';
import { pooled } from '../../domain/concurrency.ts';
import { reportChange, type ReportDeps } from './report-change.ts';

export type RecordRolloutsDeps = ReportDeps & Pick<Deps, 'targets'>;

/** Number of targets that are read in parallel. */
const AT_ONCE = 8;

/**
 * Records the rollouts of targets that report none by themselves, and whose deployer has `recordRollouts`. Reads each
 * target once; what happened since the last time follows from its state.
 */
export async function recordRollouts(deps: RecordRolloutsDeps): Promise<void> {
  const { services } = await deps.config.current();
  await pooled(targetsWithoutReports(services), AT_ONCE, async ({ serviceEnvironment, deployer }) => {
    try {
      await recordRollout(deps, serviceEnvironment, deployer);
    } catch (error) {
      deps.log.error('the rollouts of a target could not be recorded', { ...serviceEnvironment, error: String(error) });
    }
  });
}

/** Returns the targets whose deployer has `recordRollouts`. */
export const targetsWithoutReports = (
  services: Config['services'],
): { serviceEnvironment: ServiceEnvironment; deployer: DeployerConfig }[] =>
  Object.entries(services).flatMap(([service, { environments }]) =>
    Object.entries(environments).flatMap(([environment, { deployer }]) =>
      deployer?.kind === 'kubernetes' && deployer.recordRollouts === true
        ? [
            {
              serviceEnvironment: {
                service: ServiceName.parse(service),
                environment: EnvironmentName.parse(environment),
              },
              deployer,
            },
          ]
        : [],
    ),
  );

/** Records the newest rollout of a target, if there is one that is not recorded yet. */
export async function recordRollout(
  deps: RecordRolloutsDeps,
  serviceEnvironment: ServiceEnvironment,
  config: DeployerConfig,
): Promise<void> {
  const deployer = await deps.targets.deployerFor(config, serviceEnvironment);
  const observed = await deployer?.lastRollout?.();
  if (observed === undefined) return;
  if (observed.kind !== 'observed') {
    deps.log.warn('the rollouts of a target could not be read', { ...serviceEnvironment, detail: observed.detail });
    return;
  }
  const { report, superseded } = observed;
  if (report === null) return;
  const trace = `rollouts-${serviceEnvironment.service}-${serviceEnvironment.environment}`;
  const subject = { ...report.subject, ...serviceEnvironment };
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
