import type { Evidence } from '../../../core/domain/correlation/evidence.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { WATCH_ANNOTATION, WatchId } from '../../../schemas/judge/watch.ts';

/**
 * Returns the result of the newest watch (the comparison of a new version with its baseline after a deploy) that has sent
 * one of the firing alerts, if the version is worse by a statistical test. Null: it is not, or the watch can't be read.
 */
export async function degradedVersion(
  { watches, log }: Pick<Deps, 'watches' | 'log'>,
  firing: readonly Signal[],
): Promise<Required<Evidence>['degraded_version'] | null> {
  const newest = firing
    .filter(({ source }) => source === 'watch')
    .toSorted((a, b) => (a.startsAt < b.startsAt ? 1 : -1));
  const id = newest.flatMap(watchOf)[0];
  if (id === undefined) return null;
  try {
    const watch = await watches.get(id);
    if (watch?.outcome !== 'degraded') return null;
    // A fixed limit that is exceeded is no comparison.
    const compared = watch.metrics.filter(({ verdict, p }) => verdict === 'degraded' && p !== null);
    const { change_id, version } = watch;
    const reason = compared.map((metric) => `${metric.name}: ${metric.reason}`).join('; ');
    // `beside`: the baseline ran at the same time. `before`: it is the time before the deploy.
    const comparison = compared.some((metric) => metric.comparison === 'beside') ? 'beside' : 'before';
    return compared.length === 0 ? null : { change_id, version, reason, comparison };
  } catch (error) {
    log.error('the watch of an alert could not be read', { watch: id, error: String(error) });
    return null;
  }
}

const watchOf = ({ annotations }: Signal): WatchId[] => {
  const read = WatchId.safeParse(new Map(annotations).get(WATCH_ANNOTATION));
  return read.success ? [read.data] : [];
};
