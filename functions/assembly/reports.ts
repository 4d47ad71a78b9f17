import { type Compute, ComputedReports, mayOf } from '../../core/actions/reports/computed-reports.ts';
import { FEATURES } from '../../features/index.ts';
import type { ComputeReport } from '../../features/manifest.ts';
import type { Product } from './product.ts';

/** What computes each report, by its name. */
const COMPUTES: ReadonlyMap<string, () => Promise<ComputeReport>> = new Map(
  FEATURES.flatMap(({ computes = {} }) => Object.entries(computes)),
);

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
