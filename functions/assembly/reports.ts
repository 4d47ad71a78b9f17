import { type Compute, ComputedReports, mayOf } from '../../core/actions/reports/computed-reports.ts';
import { ALERT_REVIEW, CONNECTIONS, SHADOW } from '../../core/actions/reports/report-kinds.ts';
import {
  SERVICE_METRICS,
  SLOW_METRICS,
  serviceMetrics,
  slowMetrics,
} from '../../entrances/http/routes/metrics/service-metrics.ts';
import {
  ASKS,
  DECISIONS,
  FIRST_STEPS,
  INCIDENTS,
  INCIDENTS_NAMED,
  NOW,
  RESOLVED_TODAY,
  SERVICES,
} from '../../entrances/console/pages/reports.ts';
import { FEATURES } from '../../features/index.ts';
import type { ComputeOf, ComputeReport } from '../../features/manifest.ts';
import type { Connections } from '../../schemas/config/connections.ts';
import type { CheckConnectionsDeps } from '../../vendors/connections/report.ts';

const shadow: ComputeOf<typeof SHADOW> = async (deps, request, may) => {
  const { shadowReport } = await import('../../core/actions/reports/shadow-report.ts');
  return shadowReport(deps, { ...request, isVisible: (one) => may('incidents:read', one) });
};

const review: ComputeOf<typeof ALERT_REVIEW> = async (deps, _, may) => {
  const { alertReview } = await import('../../core/actions/reports/alert-review.ts');
  return alertReview(deps, ({ service, environment }) => may('incidents:read', { service, environment }));
};

const checkAll = async (deps: ReportDeps): Promise<Connections> => {
  const { checkConnections } = await import('../../vendors/connections/report.ts');
  return checkConnections(deps);
};

/** The code of pages, which is loaded with their first view. */
const pages = {
  now: () => import('../../entrances/console/pages/incidents/now-data.ts'),
  firstSteps: () => import('../../entrances/console/pages/incidents/first-steps.ts'),
  list: () => import('../../entrances/console/pages/incidents/list-data.ts'),
  find: () => import('../../entrances/console/pages/find/incidents-named.ts'),
  decisions: () => import('../../entrances/console/pages/incidents/decisions-data.ts'),
  services: () => import('../../entrances/console/pages/services/services-data.ts'),
};

type Computes = (deps: ReportDeps, input: never, may: Parameters<ComputeReport>[2]) => Promise<unknown>;

/** What computes each report, by its name. */
const COMPUTES: ReadonlyMap<string, () => Promise<Computes>> = new Map<string, () => Promise<Computes>>([
  [SHADOW.name, async () => shadow],
  [ALERT_REVIEW.name, async () => review],
  [SERVICE_METRICS.name, async () => serviceMetrics],
  [SLOW_METRICS.name, async () => slowMetrics],
  [CONNECTIONS.name, async () => checkAll],
  [NOW.name, async () => (await pages.now()).incidentsNow],
  [RESOLVED_TODAY.name, async () => (await pages.now()).resolvedToday],
  [FIRST_STEPS.name, async () => (await pages.firstSteps()).stepsDone],
  [ASKS.name, async () => (await pages.list()).anyAsks],
  [INCIDENTS.name, async () => (await pages.list()).listed],
  [INCIDENTS_NAMED.name, async () => (await pages.find()).incidentsNamed],
  [DECISIONS.name, async () => (await pages.decisions()).decisions],
  [SERVICES.name, async () => (await pages.services()).services],
  ...FEATURES.flatMap(({ computes = {} }) => Object.entries(computes)),
]);

/**
 * Returns what computes reports in this thread. It reads the configuration anew if it knows another version than the thread
 * that asks.
 *
 * @param depsOf called by the first report
 */
export const computeHere =
  (depsOf: () => ReportDeps): Compute =>
  async ({ name, input, grants, config }) => {
    const load = COMPUTES.get(name);
    if (load === undefined) throw new Error(`there is no report ${name}`);
    const deps = depsOf();
    if (config !== null && (await deps.config.current()).version !== config)
      await deps.config.current('anew').catch(() => undefined); // the last one that was read stays in force
    return (await load())(deps, input as never, mayOf(grants, deps.clock.now()));
  };

type ReportDeps = Parameters<ComputeReport>[0] & CheckConnectionsDeps;

/** Returns the reports that are computed in this thread. */
export const reportsHere = (depsOf: () => ReportDeps): ComputedReports =>
  new ComputedReports(
    { clock: { now: () => depsOf().clock.now() }, config: { current: () => depsOf().config.current() } },
    computeHere(depsOf),
  );
