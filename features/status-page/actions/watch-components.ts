import type { Deps } from '../ports.ts';
import { internalPagesOf, pagesOf } from '../decisions/pages.ts';

/** Records when components are first on a page, because there is no uptime of the time before. */
export async function watchComponents({
  audit,
  clock,
  config,
  publicIncidents,
}: Pick<Deps, 'audit' | 'clock' | 'config' | 'publicIncidents'>): Promise<void> {
  const current = await config.current();
  const pages = [...pagesOf(current).values(), ...internalPagesOf(current).values()];
  const shown = new Set(pages.flatMap(({ components }) => components.map(({ name }) => name)));
  const known = await publicIncidents.watchedSince();
  const added = [...shown].filter((name) => !known.has(name));
  if (added.length === 0) return;
  const now = clock.now();
  // Versions up to 0.2.0 recorded no components: these are watched since Firebreak runs.
  const since =
    known.size === 0 ? ((await audit.sealedAfter(null, { limit: 1, until: null })).items[0]?.at ?? now) : now;
  for (const name of added) await publicIncidents.watch(name, since);
}
