import { expectationOf } from '../../domain/experiments/expectation.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { type Mute, mutedBy } from '../../domain/alerts/routing.ts';
import type { Silence } from '../../domain/messages/channels.ts';
import type { Signal } from '../../schemas/alerts/signal.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { ExperimentRecord } from '../../schemas/experiments/experiment.ts';
import type { Timestamp } from '../../schemas/time/time.ts';

/** What can mute alerts at one time. `silences: null`: unknown. `experiments`: chaos experiments. */
export type Mutes = {
  config: Config;
  silences: readonly Silence[] | null;
  experiments: readonly ExperimentRecord[];
  now: Timestamp;
};

/** Reads what can mute alerts now. An experiment that cannot be read explains nothing, so its alerts page. */
export async function mutesNow(
  deps: Pick<Deps, 'config' | 'silences' | 'experiments' | 'clock' | 'log'>,
): Promise<Mutes> {
  const [config, silences, experiments] = await Promise.all([
    deps.config.current(),
    deps.silences.active(),
    deps.experiments.unfinished().catch((error: unknown) => {
      deps.log.error('the experiments could not be read, so all alerts are treated as real', { error: String(error) });
      return [];
    }),
  ]);
  return { config, silences, experiments, now: deps.clock.now() };
}

/** Returns the mute that applies to a firing alert: a maintenance window, a silence, or an experiment that explains it. */
export function muteOf(signal: Signal, { config, silences, experiments, now }: Mutes): Mute | null {
  const mute = mutedBy(signal, config, silences, now);
  if (mute !== null) return mute;
  const expectation = expectationOf(signal, experiments, now);
  if (expectation.kind === 'real') return null;
  const { experiment, reasons } = expectation;
  const { id, name, until } = experiment;
  return { by: 'experiment', name: id, until, reason: `${name}: ${reasons.map(({ text }) => text).join('; ')}` };
}
