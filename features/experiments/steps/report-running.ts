import { toSignal } from '../../../domain/alerts/signal.ts';
import { mayStillRun } from '../decisions/progress.ts';
import type { Deps } from '../ports.ts';
import type { ExperimentRecord } from '../experiment.ts';

/**
 * Sends an alert of Firebreak itself if an experiment is over, but may still run, so that people stop it. A repeat is
 * recognized by its episode.
 */
export async function reportRunning(
  { config, queue, clock }: Pick<Deps, 'config' | 'queue' | 'clock'>,
  experiment: ExperimentRecord,
): Promise<void> {
  const { id, name, scope, ending, stop, trace } = experiment;
  const [serviceEnvironment] = scope;
  if (!mayStillRun(experiment) || ending === null || serviceEnvironment === undefined) return;
  const { services } = await config.current();
  const signal = toSignal(
    {
      source: 'experiment',
      status: 'firing',
      labels: new Map([
        ['alertname', 'ExperimentNotStopped'],
        ['service', serviceEnvironment.service],
        ['environment', serviceEnvironment.environment],
        ['severity', 'critical'],
      ]),
      annotations: new Map([
        ['summary', `The experiment ${name} may still run: stop it by hand`],
        ['description', `Its stop: ${stop.detail}. Why it must stop: ${ending.reason}`],
        ['experiment', id],
      ]),
      startsAt: ending.at,
      endsAt: null,
      fingerprint: `${id}-not-stopped`,
      episodic: true,
      generatorUrl: null,
    },
    services,
  );
  await queue.sendAll({ id: `${id}-not-stopped`, at: clock.now(), trace }, [signal]);
}
