import { knownTeams } from '../../../core/domain/catalogue/known-names.ts';
import type { DeliveryScope } from '../actions/report.ts';
import { inConfiguredSpelling } from '../../../core/domain/catalogue/known-names.ts';
import { PAGE, type PageReport } from '../reports.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { DoraFigure } from '../dora.ts';
import { EnvironmentName, type ServiceName } from '../../../schemas/config/names.ts';
import type { Viewer } from '../../../entrances/http/context.ts';
import { type PageRequest, type ConsoleDeps, viewerAsReader } from '../../../entrances/console/pages/page.ts';

/** Lengths of the window in days. */
export const WINDOWS = [7, 28, 90, 365] as const;
const DEFAULT_DAYS = 28;
const DAY_SECONDS = 24 * 3600;

/** What the address selects. An absent value stands for all. */
export type Selection = { days: number; figure: DoraFigure; service?: string; team?: string; environment?: string };

/** Everything that the page shows. `at`: when the figures were computed. */
export type DeliveryData = PageReport &
  Pick<Viewer, 'may' | 'csrfToken'> & {
    at: Timestamp;
    selection: Selection;
    /** What features show beside the figures. */
    features: Awaited<ReturnType<PageRequest['besideDelivery']>>;
    /** Values to select from. */
    services: readonly string[];
    teams: readonly string[];
    environments: readonly string[];
  };

export async function loadDelivery(
  deps: ConsoleDeps,
  { viewer, query, besideDelivery }: PageRequest,
): Promise<DeliveryData> {
  const { may, csrfToken } = viewer;
  const config = await deps.config.current();
  const selection = inConfiguredSpelling(config, selectionOf(query));
  const { days, figure } = selection;
  const environment = EnvironmentName.safeParse(selection.environment);
  const of: DeliveryScope = {
    ...(selection.service !== undefined && { service: selection.service as ServiceName }),
    ...(selection.team !== undefined && { team: selection.team }),
    ...(environment.success && { environment: environment.data }),
  };
  const { as_of, value } = await deps.reports.read(
    PAGE,
    { seconds: days * DAY_SECONDS, scope: of, figure, days },
    viewerAsReader(viewer),
  );
  const services = Object.entries(config.services).filter(([service]) => may('deployments:read', { service }));
  return {
    ...value,
    may,
    csrfToken,
    at: as_of,
    selection,
    features: await besideDelivery(selection),
    services: services.map(([name]) => name).toSorted(),
    teams: [...knownTeams({ services: Object.fromEntries(services) })].toSorted(),
    environments: [...new Set(services.flatMap(([, entry]) => Object.keys(entry.environments)))].toSorted(),
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
