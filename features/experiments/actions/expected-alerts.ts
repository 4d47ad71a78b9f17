import { expectationOf } from '../decisions/expectation.ts';
import type { ExpectedAlerts, Explanations } from '../../../core/domain/ports/extensions.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { ExperimentRecord } from '../experiment.ts';
import type { Deps } from '../ports.ts';

type ExpectedDeps = Pick<Deps, 'experiments' | 'engine' | 'log'>;

/** Explains alerts by the experiments that are not over. */
export const expectedAlerts = (deps: ExpectedDeps): ExpectedAlerts => ({
  read: async () => explanationsOf(deps, await deps.experiments.unfinished()),
});

export const explanationsOf = (deps: ExpectedDeps, running: readonly ExperimentRecord[]): Explanations => ({
  explainsAny: running.length > 0,
  muteOf(signal, now) {
    const expectation = expectationOf(signal, running, now);
    if (expectation.kind === 'real') return null;
    const { experiment, reasons } = expectation;
    const { id, name, until } = experiment;
    return { by: 'experiment', name: id, until, reason: `${name}: ${reasons.map(({ text }) => text).join('; ')}` };
  },
  nameFor(signals, now) {
    if (signals.length === 0) return null;
    const found = running.find((one) =>
      signals.every((signal) => expectationOf(signal, [one], now).kind === 'expected'),
    );
    return found?.name ?? null;
  },
  async record(signals, now) {
    for (const signal of signals) await recordExpected(deps, signal, running, now);
  },
});

/**
 * Records on an experiment an alert that it explains. An alert that meets an abort condition wakes the workflow, which
 * stops the experiment and then treats the alert as real.
 */
async function recordExpected(
  { experiments, engine, log }: ExpectedDeps,
  signal: Signal,
  running: readonly ExperimentRecord[],
  now: Timestamp,
): Promise<void> {
  const expectation = expectationOf(signal, running, now);
  if (expectation.kind === 'real') return;
  const { experiment, reasons } = expectation;
  const { episode, title, service, environment, severity } = signal;
  const abort = expectation.kind === 'abort';
  await experiments.expect(experiment.id, { at: now, episode, title, service, environment, severity, abort, reasons });
  if (!abort) return;
  log.warn('an alert aborts an experiment', { experiment: experiment.id, service, environment });
  const { callback } = (await experiments.get(experiment.id)) ?? experiment;
  // Without the wake-up, the workflow reads the request at its next observation.
  if (callback !== null)
    await engine
      .completeCallback(callback)
      .catch((error: unknown) => log.warn('an experiment could not be woken', { error: String(error) }));
}
