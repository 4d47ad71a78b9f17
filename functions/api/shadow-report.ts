import { createRoute, z } from '@hono/zod-openapi';
import type { Deps, Place } from '../../domain/ports.ts';
import {
  judgeShadow,
  type KnownChanges,
  modeOf,
  type Shadowed,
  shadowed,
  shadowRows,
} from '../../domain/shadow-report.ts';
import type { IncidentView } from '../../schemas/incident.ts';
import { EnvironmentName, ServiceName } from '../../schemas/names.ts';
import { ShadowReport } from '../../schemas/shadow-report.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time.ts';
import { answers, type Api, endpoint, problems } from './endpoint.ts';

/** A report reads at most so many incidents, and so many changes of each service and environment. */
const INCIDENTS_MAX = 500;
const CHANGES_MAX = 1_000;
const PAGE = 100;
const PLACES_AT_ONCE = 8;

const UNITS = { h: 3600, d: 86_400, w: 7 * 86_400 } as const;
const LONGEST_SECONDS = 90 * UNITS.d;

const Since = z
  .string()
  .regex(/^[1-9]\d{0,4}[hdw]$/, 'Give hours, days, or weeks, such as 12h, 30d, or 4w')
  .transform((text) => Number(text.slice(0, -1)) * UNITS[text.slice(-1) as keyof typeof UNITS])
  .refine((seconds) => seconds <= LONGEST_SECONDS, 'At most 90 days')
  .openapi({ type: 'string', description: 'How far to look back: 12h, 30d, 4w; at most 90 days', example: '30d' });

/** What automation would have done in shadow mode, beside what people did. */
export function shadowReportRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/reports/shadow',
      tags: ['automation'],
      summary: `What automation would have done in shadow mode, beside what people did; the newest ${INCIDENTS_MAX} incidents`,
      request: {
        query: z.object({
          since: Since.default(30 * UNITS.d),
          service: ServiceName.optional(),
          environment: EnvironmentName.optional(),
        }),
      },
      responses: {
        200: answers('The report', ShadowReport.meta({ id: 'ShadowReport' })),
        422: problems('What is wrong with the query'),
      },
    }),
    async (c) => {
      const { since: seconds, service, environment } = c.req.valid('query');
      c.var.allow({ ...(service && { service }), ...(environment && { environment }) });
      const now = deps.clock.now();
      const { incidents, since, complete } = await openedSince(deps, plusSeconds(now, -seconds), service);
      const visible = incidents.filter(
        (one) => c.var.may(placeOf(one)) && (environment === undefined || one.environment === environment),
      );
      const [{ services }, automation] = await Promise.all([deps.config.current(), deps.automation.read()]);
      const found = visible.flatMap(
        (one) => shadowed(one, (place) => modeOf(place, services, automation) === 'shadow') ?? [],
      );
      const shown = found.filter((one) => c.var.may(placeOf(one)));
      const changes = await changesOf(deps, shown);
      const cases = shown.map((one) => ({
        place: placeOf(one),
        judged: judgeShadow(one, changes.get(nameOf(one)) ?? { changes: [], since: now }, now),
      }));
      const items = shadowRows(cases, { services, automation });
      return c.json({ since, until: now, complete, incidents: visible.length, items }, 200);
    },
  );
}

const placeOf = ({ service, environment }: Place): Place => ({ service, environment });
const nameOf = ({ service, environment }: Place): string => JSON.stringify([service, environment]);

/** Newest first. `since`: from when on all are there. */
async function openedSince(
  { incidents }: Pick<Deps, 'incidents'>,
  since: Timestamp,
  service: string | undefined,
): Promise<{ incidents: IncidentView[]; since: Timestamp; complete: boolean }> {
  const found: IncidentView[] = [];
  let cursor: string | undefined;
  do {
    const page = await incidents.list({ limit: PAGE, ...(cursor && { cursor }), ...(service && { service }) });
    const inTime = page.items.filter(({ opened_at }) => opened_at >= since);
    found.push(...inTime);
    if (inTime.length < page.items.length || page.next_cursor === null)
      return { incidents: found, since, complete: true };
    cursor = page.next_cursor;
  } while (found.length < INCIDENTS_MAX);
  return { incidents: found, since: found.at(-1)?.opened_at ?? since, complete: false };
}

/** The changes of each place since its oldest incident. */
async function changesOf(
  { changes }: Pick<Deps, 'changes'>,
  all: readonly Shadowed[],
): Promise<Map<string, KnownChanges>> {
  const places = [...Map.groupBy(all, nameOf)];
  const known = new Map<string, KnownChanges>();
  for (let from = 0; from < places.length; from += PLACES_AT_ONCE)
    await Promise.all(
      places.slice(from, from + PLACES_AT_ONCE).map(async ([name, there]) => {
        const oldest = there.map(({ incident }) => incident.opened_at).toSorted()[0];
        if (there[0] && oldest) known.set(name, await changesSince(changes, placeOf(there[0]), oldest));
      }),
    );
  return known;
}

async function changesSince(changes: Deps['changes'], place: Place, since: Timestamp): Promise<KnownChanges> {
  const found: KnownChanges['changes'][number][] = [];
  let cursor: string | undefined;
  do {
    const page = await changes.list({ ...place, limit: PAGE, ...(cursor && { cursor }) });
    found.push(...page.items);
    const last = page.items.at(-1);
    if (page.next_cursor === null || last === undefined || last.started_at < since) return { changes: found, since };
    cursor = page.next_cursor;
  } while (found.length < CHANGES_MAX);
  return { changes: found, since: found.at(-1)?.started_at ?? since };
}
