import type { Deps } from '../ports.ts';
import { internalPagesOf, pagesOf } from '../decisions/pages.ts';
import { recentMonths } from '../decisions/uptime.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/** Records when components are first on a page, because there is no uptime of the time before. */
export async function watchComponents({
  clock,
  config,
  publicIncidents,
}: Pick<Deps, 'clock' | 'config' | 'publicIncidents'>): Promise<void> {
  const current = await config.current();
  const pages = [...pagesOf(current).values(), ...internalPagesOf(current).values()];
  const shown = new Set(pages.flatMap(({ components }) => components.map(({ name }) => name)));
  const known = await publicIncidents.watchedSince();
  const added = [...shown].filter((name) => !known.has(name));
  if (added.length === 0) return;
  const now = clock.now();
  // Versions up to 0.2.0 recorded no components, but incidents: there was a page at least since the first one.
  await publicIncidents.watch(added, known.size === 0 ? await firstIncident({ publicIncidents }, now) : now);
}

async function firstIncident({ publicIncidents }: Pick<Deps, 'publicIncidents'>, now: Timestamp): Promise<Timestamp> {
  const months = await Promise.all(recentMonths(now).map((month) => publicIncidents.startedIn(month)));
  return months.flat().reduce((first, { started_at: at }) => (at < first ? at : first), now);
}
