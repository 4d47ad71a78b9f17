import type { Arrival } from '../../domain/alerts/admission.ts';
import { expectationOf } from '../../domain/experiments/expectation.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Mutes } from '../alerts/muted-by.ts';

type ExpectedDeps = Pick<Deps, 'experiments' | 'engine' | 'log'>;

/**
 * Records on an experiment the alerts that it explains, before they are admitted. An alert that meets an abort condition
 * wakes the workflow, which stops the experiment and then treats the alert as real.
 */
export async function recordExpected(
  { experiments, engine, log }: ExpectedDeps,
  arrivals: readonly Pick<Arrival, 'signal' | 'mute'>[],
  { experiments: running, now }: Mutes,
): Promise<void> {
  for (const { signal, mute } of arrivals) {
    if (mute?.by !== 'experiment') continue;
    const expectation = expectationOf(signal, running, now);
    if (expectation.kind === 'real') continue;
    const { experiment, reasons } = expectation;
    const { episode, title, service, environment, severity } = signal;
    const abort = expectation.kind === 'abort';
    await experiments.expect(experiment.id, {
      at: now,
      episode,
      title,
      service,
      environment,
      severity,
      abort,
      reasons,
    });
    if (!abort) continue;
    log.warn('an alert aborts an experiment', { experiment: experiment.id, service, environment });
    const { callback } = (await experiments.get(experiment.id)) ?? experiment;
    // Without the wake-up, the workflow reads the request at its next observation.
    if (callback !== null)
      await engine
        .completeCallback(callback)
        .catch((error: unknown) => log.warn('an experiment could not be woken', { error: String(error) }));
  }
}
