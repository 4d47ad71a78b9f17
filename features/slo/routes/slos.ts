import * as z from 'zod';
import { inConfiguredSpelling } from '../../../core/domain/catalogue/known-names.ts';
import type { Deps } from '../ports.ts';
import { SloView } from '../schemas/slo-view.ts';
import { sloViews } from '../actions/views.ts';
import { SLO_VIEWS } from '../reports.ts';
import {
  type Api,
  answers,
  createRoute,
  endpoint,
  listQuery,
  pageOf,
  problems,
  readerOf,
  scopeQuery,
} from '../../../entrances/http/endpoint.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import type { Slo } from '../../../schemas/slo/slo.ts';

type SlosDeps = Pick<
  Deps,
  'clock' | 'config' | 'freezeState' | 'reports' | 'sloCorrections' | 'sloDays' | 'sloStatuses'
>;

const Shown = SloView.meta({ id: 'Slo' });

/** The largest page. The history of each objective is read and aggregated, so a larger page would be slow. */
const PAGE_MAX = 100;

/** Registers the routes of objectives, with the results of their last evaluation. */
export function sloRoutes(app: Api, deps: SlosDeps): void {
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
          ...scopeQuery,
        }),
      },
      responses: { 200: answers('A page of results', pageOf(Shown)) },
    }),
    async (c) => {
      c.var.allow({});
      const config = await deps.config.current();
      const { limit, cursor, service, environment } = inConfiguredSpelling(config, c.req.valid('query'));
      const visible = config.slos.filter((slo) => c.var.may({ service: slo.service, environment: slo.environment }));
      const from = cursor === undefined ? undefined : positionIn(cursor, visible);
      const matching = visible
        .filter((slo) => service === undefined || slo.service === service)
        .filter((slo) => environment === undefined || slo.environment === environment)
        .map((slo) => ({ slo, position: positionOf(slo) }))
        .filter(({ position }) => from === undefined || position > from)
        .toSorted((a, b) => (a.position < b.position ? -1 : 1));
      const page = matching.slice(0, Math.min(limit, PAGE_MAX));
      const ids = page.map(({ slo }) => slo.id);
      // Permission for an objective covers all of it, so readers share the result.
      const { value: items } = await deps.reports.read(SLO_VIEWS, ids, { ...readerOf(c), grants: [] });
      const last = matching.length > page.length ? page.at(-1) : undefined;
      return c.json({ items, next_cursor: last === undefined ? null : cursorAfter(last.position) }, 200);
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
      if (slo === undefined) throw unknownSlo(id);
      c.var.allow(slo);
      const [view] = await sloViews(deps, config, [slo]);
      if (view === undefined) throw unknownSlo(id);
      return c.json(view, 200);
    },
  );
}

/** Returns the sort key of the list. */
const positionOf = ({ service, environment, id }: { service: string; environment: string; id: string }): string =>
  [service, environment, id].join('\u0000');

const cursorAfter = (position: string): string => Buffer.from(position).toString('base64url');

/** Returns the sort key in a cursor, which is that of an objective. @throws Refusal 400 */
function positionIn(cursor: string, slos: readonly Pick<Slo, 'service' | 'environment' | 'id'>[]): string {
  const position = slos.map(positionOf).find((one) => cursorAfter(one) === cursor);
  if (position !== undefined) return position;
  throw new Refusal(400, 'bad-cursor', 'the cursor is invalid; leave it out to start with the first page');
}

const unknownSlo = (id: string): Refusal => new Refusal(404, 'unknown-slo', `no objective has the ID ${id}`);
