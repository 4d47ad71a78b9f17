import { type Contradiction, pagesNow } from '../../../core/domain/incidents/page-contradiction.ts';
import { configured } from '../../../core/domain/ports/extensions.ts';
import type { Deps } from '../ports.ts';
import type { SloView } from '../schemas/slo-view.ts';
import { currentSlos } from './views.ts';

/** `contradiction`: the status page shows the components as operational, and no incident is open. Null: it does not. */
export type BurningSlo = SloView & { contradiction: Contradiction | null };

/** Returns the objectives that burn their budget too fast, or have spent it. */
export async function burningSlos(
  deps: Pick<Deps, 'clock' | 'config' | 'extensions' | 'incidents' | 'sloStatuses'>,
  isVisible: (slo: SloView) => boolean,
): Promise<BurningSlo[]> {
  const burning = (await currentSlos(deps))
    .filter(isVisible)
    .filter(({ burning: alerts, budget_remaining: left }) => alerts.length > 0 || (left !== null && left <= 0))
    .toSorted((a, b) => (a.budget_remaining ?? 1) - (b.budget_remaining ?? 1));
  const failing = burning.filter((slo) => !slo.stale && pagesNow(slo));
  if (failing.length === 0) return burning.map((slo) => ({ ...slo, contradiction: null }));
  const [pages, open] = await Promise.all([
    configured(deps.extensions.publicPages, await deps.config.current()),
    deps.incidents.open(),
  ]);
  const unnoticed = failing.filter(
    (slo) => !open.some(({ service, environment }) => service === slo.service && environment === slo.environment),
  );
  const [found = []] = await Promise.all(pages.map((one) => one.contradictions(unnoticed)));
  return burning.map((slo) => ({ ...slo, contradiction: found[unnoticed.indexOf(slo)] ?? null }));
}
