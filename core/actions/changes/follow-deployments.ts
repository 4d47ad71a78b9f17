import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { DeployerConfig } from '../../../schemas/rollback/targets.ts';
import { targetsWithoutReports, type RecordRolloutsDeps, recordRollout } from './record-rollouts.ts';

/** Milliseconds between two readings of the configuration. */
const CONFIG_MS = 60_000;

/** Milliseconds until a target that cannot be followed is tried again. The job that reads all targets continues. */
const RETRY_MS = 10 * 60_000;

/**
 * Follows the streams of changes of targets that report no rollouts by themselves, and records a rollout when it
 * happens. Only for a process that lives on: elsewhere `recordRollouts` reads the targets once a minute.
 *
 * @returns a function that ends it, and waits for what it is recording
 */
export function followDeployments(deps: RecordRolloutsDeps): () => Promise<void> {
  const followed = new Map<string, { abort: AbortController; ended: Promise<void> }>();
  const update = async (): Promise<void> => {
    const { services } = await deps.config.current();
    const wanted = new Map(targetsWithoutReports(services).map((one) => [JSON.stringify(one), one]));
    for (const [key, { abort }] of followed) if (!wanted.has(key)) abort.abort();
    for (const [key, { serviceEnvironment, deployer }] of wanted) {
      if (followed.has(key) || isClosed) continue;
      const abort = new AbortController();
      const ended = follow(deps, serviceEnvironment, deployer, abort.signal).finally(() => followed.delete(key));
      followed.set(key, { abort, ended });
    }
  };
  const updateLogged = (): void =>
    void update().catch((error: unknown) =>
      deps.log.error('the targets whose rollouts are followed could not be read', { error: String(error) }),
    );
  let isClosed = false;
  updateLogged();
  const timer = setInterval(updateLogged, CONFIG_MS);
  timer.unref();
  return async () => {
    isClosed = true;
    clearInterval(timer);
    const all = [...followed.values()];
    for (const { abort } of all) abort.abort();
    await Promise.all(all.map(({ ended }) => ended));
  };
}

async function follow(
  deps: RecordRolloutsDeps,
  serviceEnvironment: ServiceEnvironment,
  config: DeployerConfig,
  signal: AbortSignal,
): Promise<void> {
  const reader = targetReader(deps, serviceEnvironment, config);
  try {
    const deployer = await deps.targets.deployerFor(config, serviceEnvironment);
    const detail = await deployer?.watchRollouts?.({ changed: reader.read, signal });
    if (detail !== undefined && !signal.aborted)
      deps.log.warn('the rollouts of a target are read once a minute, because they cannot be followed', {
        ...serviceEnvironment,
        detail,
      });
  } catch (error) {
    deps.log.error('the rollouts of a target could not be followed', { ...serviceEnvironment, error: String(error) });
  }
  await reader.idle();
  if (!signal.aborted) await untilAborted(signal, RETRY_MS);
}

/** Reads the target, and once more if it has changed meanwhile. */
function targetReader(deps: RecordRolloutsDeps, serviceEnvironment: ServiceEnvironment, config: DeployerConfig) {
  let isStale = false;
  let running: Promise<void> | undefined;
  const readAll = async (): Promise<void> => {
    while (isStale) {
      isStale = false;
      await recordRollout(deps, serviceEnvironment, config).catch((error: unknown) =>
        deps.log.error('the rollouts of a target could not be recorded', {
          ...serviceEnvironment,
          error: String(error),
        }),
      );
    }
    running = undefined;
  };
  return {
    read(): void {
      isStale = true;
      running ??= readAll();
    },
    idle: async (): Promise<void> => running,
  };
}

const untilAborted = (signal: AbortSignal, ms: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    timer.unref();
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
