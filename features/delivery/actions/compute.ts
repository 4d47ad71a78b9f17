import { setImmediate } from 'node:timers/promises';
import { secondsBetween } from '../../../schemas/time/time.ts';
import type { ComputeOf } from '../../manifest.ts';
import { deploysCsv, incidentsCsv } from '../decisions/csv.ts';
import { recordsOf, type FigureRecords } from '../decisions/figure-records.ts';
import { figuresOf } from '../decisions/figures.ts';
import { daysOf, isRollback, weeksOf } from '../decisions/trend.ts';
import type { DoraDeploy, DoraIncident } from '../dora.ts';
import { withPorts } from '../ports.ts';
import { DAYS_SHOWN, type FIGURES, type PAGE, type RECORDS, type RECORDS_CSV, type ReportInput } from '../reports.ts';
import { type DeliveryReport, deliveryReport, deliveryReports } from './report.ts';

type Arguments = Parameters<ComputeOf<typeof FIGURES>>;

const DAY_SECONDS = 24 * 3600;

/** Records of each kind that the answer with the figures contains. */
const NEWEST_MAX = 50;

/** Records of a figure on the page of the console. */
const RECORDS_SHOWN = 25;

/** Services on the page, those with the most deploys. A page of all would be rendered for as long as hundreds of requests take. */
const SERVICES_SHOWN = 25;

/** Weeks in the trends, at least. */
const WEEKS_MIN = 12;

/** Maximum number of deploys that the form for a correction offers, and how long before the incident they started. */
const OFFERED_MAX = 20;
const OFFERED_BEFORE_SECONDS = 7 * DAY_SECONDS;

export const figures: ComputeOf<typeof FIGURES> = async (deps, input, may) => {
  const report = await reportFor(deps, input, may);
  return {
    figures: report.figures,
    window: { from: report.from, until: report.until },
    environments: [...report.environments],
    complete: report.complete,
    deployments: { total: report.deploys.length, items: report.deploys.slice(0, NEWEST_MAX) },
    incidents: { total: report.incidents.length, items: report.incidents.slice(0, NEWEST_MAX) },
  };
};

export const records: ComputeOf<typeof RECORDS> = async (deps, { figure, limit, before, ...input }, may) => {
  const all = recordsOf(await reportFor(deps, input, may), figure);
  const positions = all.kind === 'deploys' ? all.items.map(positionOfDeploy) : all.items.map(positionOfIncident);
  const first = before === null ? 0 : positions.filter((position) => position >= before).length;
  const end = Math.min(first + limit, positions.length);
  return { records: firstOf(all, limit, first), next: end < positions.length ? (positions[end - 1] ?? null) : null };
};

export const recordsCsv: ComputeOf<typeof RECORDS_CSV> = async (deps, { figure, ...input }, may) => {
  const all = recordsOf(await reportFor(deps, input, may), figure);
  return all.kind === 'deploys' ? deploysCsv(all.items) : incidentsCsv(all.items);
};

export const page: ComputeOf<typeof PAGE> = async (deps, { figure, days, scope }, may) => {
  const { delivery } = await deps.config.current();
  const weeks = Math.max(WEEKS_MIN, Math.floor(days / 7));
  const seconds = days * DAY_SECONDS;
  const secondsRead = Math.max(seconds, 7 * weeks * DAY_SECONDS);
  const reportOf = await deliveryReports(withPorts(deps), {
    seconds: secondsRead,
    scope,
    isVisible: (serviceEnvironment) => may('deployments:read', serviceEnvironment),
  });
  await setImmediate(); // each part takes a while, so let workflows run between them
  const report = reportOf(seconds);
  await setImmediate();
  const history = secondsRead === seconds ? report : reportOf(secondsRead);
  await setImmediate();
  const readable = (all: readonly DoraIncident[]) => all.filter((incident) => may('incidents:read', incident));
  const recent = { deploys: history.deploys, incidents: readable(history.incidents) };
  const listed = recordsOf({ ...report, incidents: readable(report.incidents) }, figure);
  const deploysOf = Map.groupBy(report.deploys, ({ service }) => service);
  const incidentsOf = Map.groupBy(report.incidents, ({ service }) => service);
  const services = new Set([...report.deploys, ...report.incidents].map(({ service }) => service));
  return {
    figures: report.figures,
    serviceCount: services.size,
    byService: [...services]
      .map((service) => ({
        service,
        figures: figuresOf(deploysOf.get(service) ?? [], incidentsOf.get(service) ?? [], days, delivery),
      }))
      .toSorted((a, b) => b.figures.deployment_frequency.deploys - a.figures.deployment_frequency.deploys)
      .slice(0, SERVICES_SHOWN),
    days: daysOf(recent, { now: report.until, count: DAYS_SHOWN }),
    events: {
      rollbacks: recent.deploys.filter(isRollback).map(({ started_at: at }) => at),
      incidents: recent.incidents.map(({ opened_at: at }) => at),
    },
    weeks: weeksOf(history, { until: report.until, count: weeks }, delivery),
    records: firstOf(listed, RECORDS_SHOWN),
    total: listed.items.length,
    complete: report.complete,
    offeredDeploys: offeredFor(listed, report.deploys),
  };
};

/** Computes a report with the records that the reader may see. */
async function reportFor(
  deps: Arguments[0],
  { seconds, scope }: ReportInput,
  may: Arguments[2],
): Promise<DeliveryReport> {
  const report = await deliveryReport(withPorts(deps), {
    seconds,
    scope,
    isVisible: (serviceEnvironment) => may('deployments:read', serviceEnvironment),
  });
  return {
    ...report,
    incidents: report.incidents.filter(({ service, environment }) => may('incidents:read', { service, environment })),
  };
}

/** A position in the list of records, newest first. It stays valid when records are added. */
const positionOfDeploy = ({ started_at: at, id }: DoraDeploy): string => `${at}#${id}`;
const positionOfIncident = ({ opened_at: at, id }: DoraIncident): string => `${at}#${id}`;

const firstOf = ({ kind, items }: FigureRecords, count: number, from = 0): FigureRecords =>
  ({ kind, items: items.slice(from, from + count) }) as FigureRecords;

/** Returns the deploys that the forms for corrections of the shown incidents offer. */
function offeredFor(listed: FigureRecords, deploys: readonly DoraDeploy[]): Map<string, DoraDeploy[]> {
  if (listed.kind === 'deploys') return new Map();
  return new Map(
    listed.items
      .slice(0, RECORDS_SHOWN)
      .map(({ id, environment, opened_at: opened }) => [
        id,
        deploys
          .filter(
            (deploy) =>
              deploy.kind !== 'rollback' &&
              deploy.environment === environment &&
              deploy.started_at <= opened &&
              secondsBetween(deploy.started_at, opened) <= OFFERED_BEFORE_SECONDS,
          )
          .slice(0, OFFERED_MAX),
      ]),
  );
}
