import { type Compute, ComputedReports, mayOf } from '../../core/actions/reports/computed-reports.ts';
import { ALERT_REVIEW, SHADOW } from '../../core/actions/reports/report-kinds.ts';
import { FEATURES } from '../../features/index.ts';
import type { ComputeOf, ComputeReport } from '../../features/manifest.ts';
import type { Product } from './product.ts';

const shadow: ComputeOf<typeof SHADOW> = async (deps, request, may) => {
  const { shadowReport } = await import('../../core/actions/reports/shadow-report.ts');
  return shadowReport(deps, { ...request, isVisible: (one) => may('incidents:read', one) });
};

const review: ComputeOf<typeof ALERT_REVIEW> = async (deps, _, may) => {
  const { alertReview } = await import('../../core/actions/reports/alert-review.ts');
  return alertReview(deps, ({ service, environment }) => may('incidents:read', { service, environment }));
};

/** What computes each report, by its name. */
const COMPUTES: ReadonlyMap<string, () => Promise<ComputeReport>> = new Map<string, () => Promise<ComputeReport>>([
  [SHADOW.name, async () => shadow],
  [ALERT_REVIEW.name, async () => review],
  ...FEATURES.flatMap(({ computes = {} }) => Object.entries(computes)),
]);

/** Returns what computes reports in this thread. @param depsOf called by the first report */
export const computeHere =
  (depsOf: () => ReportDeps): Compute =>
  async ({ name, input, grants }) => {
    const load = COMPUTES.get(name);
    if (load === undefined) throw new Error(`there is no report ${name}`);
    const deps = depsOf();
    return (await load())(deps, input as never, mayOf(grants, deps.clock.now()));
  };

type ReportDeps = Parameters<ComputeReport>[0];

/** Returns the reports that are computed in this thread. */
export const reportsHere = (clock: Product['clock'], depsOf: () => ReportDeps): ComputedReports =>
  new ComputedReports(clock, computeHere(depsOf));
