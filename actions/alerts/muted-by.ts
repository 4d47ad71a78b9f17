import type { Deps } from '../../domain/ports/deps.ts';
import { type Explanations, readExplanations } from '../../domain/ports/extensions.ts';
import { type Mute, mutedBy } from '../../domain/alerts/routing.ts';
import type { Silence } from '../../domain/messages/channels.ts';
import type { Signal } from '../../schemas/alerts/signal.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { Timestamp } from '../../schemas/time/time.ts';

/** What can mute alerts at one time. `silences: null`: unknown. `explanations`: of features, such as chaos experiments. */
export type Mutes = {
  config: Config;
  silences: readonly Silence[] | null;
  explanations: readonly Explanations[];
  now: Timestamp;
};

/** Reads what can mute alerts now. An explanation that can't be read explains nothing, so its alerts page. */
export async function mutesNow(
  deps: Pick<Deps, 'config' | 'silences' | 'extensions' | 'clock' | 'log'>,
): Promise<Mutes> {
  const [config, silences, explanations] = await Promise.all([
    deps.config.current(),
    deps.silences.active(),
    readExplanations(deps),
  ]);
  return { config, silences, explanations: explanations ?? [], now: deps.clock.now() };
}

/** Returns the mute that applies to a firing alert: a maintenance window, a silence, or what explains it. */
export function muteOf(signal: Signal, { config, silences, explanations, now }: Mutes): Mute | null {
  const mute = mutedBy(signal, config, silences, now);
  if (mute !== null) return mute;
  for (const one of explanations) {
    const explained = one.muteOf(signal, now);
    if (explained !== null) return explained;
  }
  return null;
}

/** Records alerts with what explains them, before they are admitted. Others are not recorded. */
export async function recordExplained(
  arrivals: readonly { signal: Signal; mute: Mute | null }[],
  { explanations, now }: Mutes,
): Promise<void> {
  if (explanations.length === 0) return;
  const explained = arrivals.flatMap(({ signal, mute }) => (mute?.by === 'experiment' ? [signal] : []));
  if (explained.length === 0) return;
  for (const one of explanations) await one.record(explained, now);
}
