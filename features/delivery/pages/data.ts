import { recordsOf, type FigureRecords } from '../decisions/figure-records.ts';
import { deliveryReports, type DeliveryScope } from '../actions/report.ts';
import { figuresOf } from '../decisions/figures.ts';
import { withPorts } from '../ports.ts';
import { type Day, daysOf, isRollback, type Week, weeksOf } from '../decisions/trend.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import type { DoraDeploy, DoraFigures, DoraIncident } from '../dora.ts';
import { DoraFigure } from '../dora.ts';
import { EnvironmentName, type ServiceName } from '../../../schemas/config/names.ts';
import type { Viewer } from '../../../entrances/http/context.ts';
import type { PageRequest, ConsoleDeps } from '../../../entrances/console/pages/page.ts';

/** Lengths of the window in days. */
export const WINDOWS = [7, 28, 90, 365] as const;
const DEFAULT_DAYS = 28;
const DAY_SECONDS = 24 * 3600;

/** Days in the plot of deploys and incidents. */
export const DAYS_SHOWN = 28;

/** Weeks in the trends, at least. */
const WEEKS_MIN = 12;

/** Records of a figure on one page. */
const RECORDS_SHOWN = 50;

/** Maximum number of deploys that the form for a correction offers, and how long before the incident they started. */
const OFFERED_MAX = 20;
const OFFERED_BEFORE_SECONDS = 7 * DAY_SECONDS;

/** What the address selects. An absent value stands for all. */
export type Selection = { days: number; figure: DoraFigure; service?: string; team?: string; environment?: string };

/** Everything that the page shows. */
export type DeliveryData = Pick<Viewer, 'may' | 'csrfToken'> & {
  at: Timestamp;
  selection: Selection;
  figures: DoraFigures;
  byService: readonly { service: string; figures: DoraFigures }[];
  days: readonly Day[];
  /** When the rollbacks and the incidents of these days were. */
  events: { rollbacks: readonly Timestamp[]; incidents: readonly Timestamp[] };
  weeks: readonly Week[];
  /** What features show beside the figures. */
  features: Awaited<ReturnType<PageRequest['besideDelivery']>>;
  records: FigureRecords;
  /** Number of records of the figure; `records` are the first of them. */
  total: number;
  /** Values to select from. */
  services: readonly string[];
  teams: readonly string[];
  environments: readonly string[];
  complete: boolean;
  /** Deploys that can be named as the cause of an incident, by its ID. */
  offeredDeploys: ReadonlyMap<string, readonly DoraDeploy[]>;
};

export async function loadDelivery(
  deps: ConsoleDeps,
  { viewer, query, besideDelivery }: PageRequest,
): Promise<DeliveryData> {
  const { may, csrfToken } = viewer;
  const config = await deps.config.current();
  const selection = selectionOf(query);
  const { days, figure } = selection;
  const environment = EnvironmentName.safeParse(selection.environment);
  const of: DeliveryScope = {
    ...(selection.service !== undefined && { service: selection.service as ServiceName }),
    ...(selection.team !== undefined && { team: selection.team }),
    ...(environment.success && { environment: environment.data }),
  };
  const weeks = Math.max(WEEKS_MIN, Math.floor(days / 7));
  const seconds = days * DAY_SECONDS;
  const secondsRead = Math.max(seconds, 7 * weeks * DAY_SECONDS);
  const reportOf = await deliveryReports(withPorts(deps), {
    seconds: secondsRead,
    scope: of,
    isVisible: (serviceEnvironment) => may('deployments:read', serviceEnvironment),
  });
  const report = reportOf(seconds);
  const history = secondsRead === seconds ? report : reportOf(secondsRead);
  const readable = (all: readonly DoraIncident[]) => all.filter((incident) => may('incidents:read', incident));
  const incidents = readable(report.incidents);
  const recent = { deploys: history.deploys, incidents: readable(history.incidents) };
  const records = recordsOf({ ...report, incidents }, figure);
  const shown = records.items.slice(0, RECORDS_SHOWN);
  const services = Object.entries(config.services).filter(([service]) => may('deployments:read', { service }));
  const deploysOf = Map.groupBy(report.deploys, ({ service }) => service);
  const incidentsOf = Map.groupBy(report.incidents, ({ service }) => service);
  return {
    may,
    csrfToken,
    at: deps.clock.now(),
    selection,
    figures: report.figures,
    byService: [...new Set([...report.deploys, ...report.incidents].map(({ service }) => service))]
      .map((service) => ({
        service,
        figures: figuresOf(deploysOf.get(service) ?? [], incidentsOf.get(service) ?? [], days, config.delivery),
      }))
      .toSorted((a, b) => b.figures.deployment_frequency.deploys - a.figures.deployment_frequency.deploys),
    days: daysOf(recent, { now: report.until, count: DAYS_SHOWN }),
    events: {
      rollbacks: recent.deploys.filter(isRollback).map(({ started_at: at }) => at),
      incidents: recent.incidents.map(({ opened_at: at }) => at),
    },
    weeks: weeksOf(history, { until: report.until, count: weeks }, config.delivery),
    features: await besideDelivery(selection),
    records: { kind: records.kind, items: shown } as FigureRecords,
    total: records.items.length,
    services: services.map(([name]) => name).toSorted(),
    teams: [...new Set(services.flatMap(([, { team }]) => team ?? []))].toSorted(),
    environments: [...new Set(services.flatMap(([, entry]) => Object.keys(entry.environments)))].toSorted(),
    complete: report.complete,
    offeredDeploys: new Map(
      records.kind === 'deploys'
        ? []
        : records.items
            .slice(0, RECORDS_SHOWN)
            .map(({ id, environment: incidentEnvironment, opened_at: opened }) => [
              id,
              report.deploys
                .filter(
                  (deploy) =>
                    deploy.kind !== 'rollback' &&
                    deploy.environment === incidentEnvironment &&
                    deploy.started_at <= opened &&
                    secondsBetween(deploy.started_at, opened) <= OFFERED_BEFORE_SECONDS,
                )
                .slice(0, OFFERED_MAX),
            ]),
    ),
  };
}

function selectionOf(query: URLSearchParams): Selection {
  const days = Number(query.get('days'));
  const figure = DoraFigure.safeParse(query.get('figure'));
  const text = (name: string): string | undefined => query.get(name)?.slice(0, 256) || undefined;
  const [service, team, environment] = [text('service'), text('team'), text('environment')];
  return {
    days: WINDOWS.find((length) => length === days) ?? DEFAULT_DAYS,
    figure: figure.success ? figure.data : 'deployment_frequency',
    ...(service !== undefined && { service }),
    ...(team !== undefined && { team }),
    ...(environment !== undefined && { environment }),
  };
}
