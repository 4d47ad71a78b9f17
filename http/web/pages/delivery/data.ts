import { recordsOf, type FigureRecords } from '../../../../actions/delivery/figure-records.ts';
import { deliveryReport, type DeliveryScope } from '../../../../actions/delivery/report.ts';
import { figuresOf } from '../../../../domain/delivery/figures.ts';
import { trendOf, type TrendPoint } from '../../../../domain/delivery/trend.ts';
import { secondsBetween, type Timestamp } from '../../../../schemas/time/time.ts';
import type { DoraDeploy, DoraFigures } from '../../../../schemas/delivery/dora.ts';
import { DoraFigure } from '../../../../schemas/delivery/dora.ts';
import { EnvironmentName, type ServiceName } from '../../../../schemas/config/names.ts';
import type { Viewer } from '../../../context.ts';
import { deliveryParts } from '../../features.ts';
import type { PageRequest, ConsoleDeps } from '../page.ts';

/** Lengths of the window in days. */
export const WINDOWS = [7, 28, 90, 365] as const;
const DEFAULT_DAYS = 28;
const DAY_SECONDS = 24 * 3600;

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
  from: Timestamp;
  figures: DoraFigures;
  byService: readonly { service: string; figures: DoraFigures }[];
  trend: readonly TrendPoint[];
  /** What features show beside the figures. */
  features: Awaited<ReturnType<typeof deliveryParts>>;
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

export async function loadDelivery(deps: ConsoleDeps, { viewer, query }: PageRequest): Promise<DeliveryData> {
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
  const report = await deliveryReport(deps, {
    seconds: days * DAY_SECONDS,
    scope: of,
    isVisible: (serviceEnvironment) => may('deployments:read', serviceEnvironment),
  });
  const incidents = report.incidents.filter((incident) => may('incidents:read', incident));
  const records = recordsOf({ ...report, incidents }, figure);
  const shown = records.items.slice(0, RECORDS_SHOWN);
  const services = Object.entries(config.services).filter(([service]) => may('deployments:read', { service }));
  return {
    may,
    csrfToken,
    at: deps.clock.now(),
    selection,
    from: report.from,
    figures: report.figures,
    byService: [...new Set([...report.deploys, ...report.incidents].map(({ service }) => service))]
      .map((service) => ({
        service,
        figures: figuresOf(
          report.deploys.filter((deploy) => deploy.service === service),
          report.incidents.filter((incident) => incident.service === service),
          days,
          config.delivery,
        ),
      }))
      .toSorted((a, b) => b.figures.deployment_frequency.deploys - a.figures.deployment_frequency.deploys),
    trend: trendOf(report, { from: report.from, until: report.until }),
    features: await deliveryParts(deps, viewer, selection),
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
