import { createRoute, z } from '@hono/zod-openapi';
import { pastOf, pastSeconds } from '../../domain/slo/measurement/past.ts';
import { sloView } from '../../domain/slo/view.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Config } from '../../schemas/config/config.ts';
import { EnvironmentName, ServiceName } from '../../schemas/config/names.ts';
import type { Slo } from '../../schemas/slo/slo.ts';
import { type SloPoint, SloView } from '../../schemas/slo/slo-view.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { storedHistory } from '../../actions/slo/history.ts';
import { policyOf } from '../../actions/slo/policy.ts';
import { answers, type Api, endpoint, listQuery, pageOf, problems } from '../endpoint.ts';
import { Refusal } from '../../actions/refusal.ts';

const Shown = SloView.meta({ id: 'Slo' });

/** The largest page. The history of each objective is read and aggregated, so a larger page would be slow. */
const PAGE_MAX = 100;
const AT_ONCE = 8;

/** Registers the routes of objectives, with the results of their last evaluation. */
export function sloRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'slos:read',
    createRoute({
      method: 'get',
      path: '/v1/slos',
      tags: ['slos'],
      summary: `List objectives, sorted by service, environment, and ID; at most ${PAGE_MAX} per page`,
      request: {
        query: z.object({
          ...listQuery,
          service: ServiceName.optional(),
          environment: EnvironmentName.optional(),
        }),
      },
      responses: { 200: answers('A page of results', pageOf(Shown)) },
    }),
    async (c) => {
      const { limit, cursor, service, environment } = c.req.valid('query');
      c.var.allow({});
      const config = await deps.config.current();
      const wanted = config.slos
        .filter((slo) => c.var.may({ service: slo.service, environment: slo.environment }))
        .filter((slo) => service === undefined || slo.service === service)
        .filter((slo) => environment === undefined || slo.environment === environment)
        .map((slo) => ({ slo, place: placeOf(slo) }))
        .filter(({ place }) => cursor === undefined || place > placeIn(cursor))
        .toSorted((a, b) => (a.place < b.place ? -1 : 1));
      const page = wanted.slice(0, Math.min(limit, PAGE_MAX));
      const items = await viewsOf(
        deps,
        config,
        page.map(({ slo }) => slo),
      );
      const last = wanted.length > page.length ? page.at(-1) : undefined;
      return c.json({ items, next_cursor: last === undefined ? null : cursorAfter(last.place) }, 200);
    },
  );

  endpoint(
    app,
    deps,
    'slos:read',
    createRoute({
      method: 'get',
      path: '/v1/slos/{id}',
      tags: ['slos'],
      summary: 'Get an objective with its budget, burn rates, forecast, and history',
      request: { params: z.object({ id: z.string().min(1).max(253) }) },
      responses: { 200: answers('The objective', Shown), 404: problems('Not found') },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const config = await deps.config.current();
      const slo = config.slos.find((one) => one.id === id);
      if (slo === undefined) throw unknown(id);
      c.var.allow(slo);
      const [view] = await viewsOf(deps, config, [slo]);
      if (view === undefined) throw unknown(id);
      return c.json(view, 200);
    },
  );
}

async function viewsOf(deps: Deps, config: Config, slos: readonly Slo[]): Promise<SloView[]> {
  const at = deps.clock.now();
  const places = new Map(slos.map((slo) => [placeOf({ ...slo, id: '' }), slo]));
  const [freezes, evaluatedAt, statuses] = await Promise.all([
    deps.freezes.current(),
    deps.sloStatuses.evaluatedAt(),
    inTurn([...places.values()], (place) => deps.sloStatuses.of(place)),
  ]);
  const found = new Map(statuses.flat().map((status) => [placeOf(status), status]));
  return inTurn(slos, async (slo) =>
    sloView({
      slo,
      status: found.get(placeOf(slo)),
      policy: policyOf(config, slo),
      freezes,
      history: await pastPoints(deps, slo),
      evaluatedAt,
      at,
    }),
  );
}

/**
 * Returns the history, or an empty list if the stored history is corrupt. The objective's state then reports the
 * problem.
 */
async function pastPoints({ sloDays, clock }: Pick<Deps, 'sloDays' | 'clock'>, slo: Slo): Promise<SloPoint[]> {
  const now = millisOf(clock.now());
  try {
    return pastOf(slo, await storedHistory(sloDays, slo, pastSeconds(slo, now), now), now);
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}

/** Maps items in order, at most `AT_ONCE` at a time. */
async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (let first = 0; first < items.length; first += AT_ONCE)
    done.push(...(await Promise.all(items.slice(first, first + AT_ONCE).map(work))));
  return done;
}

/** Returns the sort key of the list. */
const placeOf = ({ service, environment, id }: { service: string; environment: string; id: string }): string =>
  [service, environment, id].join('\u0000');

const cursorAfter = (place: string): string => Buffer.from(place).toString('base64url');

function placeIn(cursor: string): string {
  const place = Buffer.from(cursor, 'base64url').toString();
  if (place.split('\u0000').length === 3 && cursorAfter(place) === cursor) return place;
  throw new Refusal(400, 'bad-cursor', 'the cursor is invalid; leave it out to start with the first page');
}

const unknown = (id: string): Refusal => new Refusal(404, 'unknown-slo', `no objective has the ID ${id}`);
