import type { Deps } from '../ports.ts';
import { type PageSettings, pagesOf } from '../decisions/pages.ts';
import { withoutCredentials } from '../../../core/domain/redaction/credentials.ts';
import { monthsFrom, recentMonths } from '../decisions/uptime.ts';
import { startOf, type EventView, incidentView, maintenanceView, type PageView, pageView } from '../decisions/view.ts';
import type { Maintenance } from '../schemas/status-page-file.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

export type StatusDeps = Pick<Deps, 'clock' | 'config'> & {
  publicIncidents: Pick<Deps['publicIncidents'], 'open' | 'read' | 'startedIn' | 'watchedSince'>;
};

/** The first month with a history: before it there was no Firebreak. */
const FIRST_MONTH = '2026-01';

/** Returns the settings of all pages, by name. */
export const readPages = async ({ config }: StatusDeps): Promise<ReadonlyMap<string, PageSettings>> =>
  pagesOf(await config.current());

/** Reads a page as it is now. */
export async function readPage(deps: StatusDeps, page: PageSettings): Promise<PageView> {
  const { clock, config, publicIncidents } = deps;
  const now = clock.now();
  const [{ statusPage }, watchedSince, open, ...months] = await Promise.all([
    config.current(),
    publicIncidents.watchedSince(),
    publicIncidents.open(),
    ...recentMonths(now).map((month) => publicIncidents.startedIn(month)),
  ]);
  return withoutCredentials(pageView({ page, statusPage, incidents: [...open, ...months.flat()], watchedSince, now }));
}

/** Returns the months (UTC) that have a history, newest first. */
export const monthsWithHistory = (now: Timestamp): string[] => monthsFrom(FIRST_MONTH, now);

/** The incidents and maintenances of a month (UTC), newest first, with its neighbours. */
export type MonthView = { month: string; events: EventView[]; earlier: string | null; later: string | null };

/** Reads the history of a month. Undefined: it is in the future, or before the first one. */
export async function readMonth(deps: StatusDeps, page: PageSettings, month: string): Promise<MonthView | undefined> {
  const now = deps.clock.now();
  const months = monthsWithHistory(now);
  const index = months.indexOf(month);
  if (index === -1) return undefined;
  const { statusPage } = await deps.config.current();
  const incidents = await deps.publicIncidents.startedIn(month);
  const events = [
    ...incidents.flatMap((one) => incidentView(one, page) ?? []),
    ...statusPage.maintenance.flatMap((one) => maintenanceView(one, statusPage, page, now) ?? []),
  ].filter((event) => startOf(event).startsWith(month));
  return {
    month,
    events: withoutCredentials(events.toSorted((a, b) => (startOf(a) > startOf(b) ? -1 : 1))),
    earlier: months[index + 1] ?? null,
    later: months[index - 1] ?? null,
  };
}

/** Reads an incident or a maintenance by its public ID. Undefined: the page does not show it. */
export async function readEvent(deps: StatusDeps, page: PageSettings, id: string): Promise<EventView | undefined> {
  const { statusPage } = await deps.config.current();
  const planned: Maintenance | undefined = statusPage.maintenance.find((one) => one.id === id);
  if (planned !== undefined) return withoutCredentials(maintenanceView(planned, statusPage, page, deps.clock.now()));
  const record = await deps.publicIncidents.read(id);
  return record && withoutCredentials(incidentView(record, page));
}
