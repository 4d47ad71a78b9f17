import { createRoute, z } from '@hono/zod-openapi';
import { randomUUID } from 'node:crypto';
import { NEW } from '../../domain/freeze/causes.ts';
import { stateAt, viewOf } from '../../domain/freeze/state.ts';
import { moment } from '../../domain/freeze/words.ts';
import type { Deps } from '../../domain/ports.ts';
import { type Freeze, FreezeView, NewFreeze } from '../../schemas/freeze.ts';
import { EnvironmentName, ServiceName } from '../../schemas/names.ts';
import type { Timestamp } from '../../schemas/time.ts';
import { warningsOfScope } from '../freeze/known-names.ts';
import { recordWhatHolds } from '../freeze/on-record.ts';
import { answers, type Api, body, endpoint, listQuery, pageOf, problems } from './endpoint.ts';
import { endingBody, endingQuery, endingReason, found, mayRead, scopeOf, unknownFreeze } from './freeze-access.ts';
import { overrideRoutes } from './freeze-overrides.ts';
import { Refusal } from './problem.ts';

const Shown = FreezeView.meta({ id: 'Freeze' });
const Made = FreezeView.extend({
  /** What is odd about it, such as an environment that nobody knows. */
  warnings: z.array(z.string()),
}).meta({ id: 'NewFreeze' });
const params = z.object({ id: z.string().min(1).max(128) });

/** Freezes on record, and what is let through them. */
export function freezeRoutes(app: Api, deps: Deps): void {
  overrideRoutes(app, deps);
  endpoint(
    app,
    deps,
    'freezes:write',
    createRoute({
      method: 'post',
      path: '/v1/freezes',
      tags: ['freezes'],
      summary: 'Freeze deploys of a service or a team, in an environment or everywhere, now or from a time on',
      request: body(NewFreeze),
      responses: { 201: answers('Frozen', Made), 422: problems('What is wrong with it') },
    }),
    async (c) => {
      const input = c.req.valid('json');
      c.var.allow(scopeOf(input));
      const freeze = byPerson(input, c.var.principal.name, deps.clock.now());
      const warnings = await warningsOfScope(deps, freeze);
      const opened = await deps.freezes.open(freeze);
      return c.json({ ...viewOf(opened.freeze, deps.clock.now()), warnings }, 201);
    },
  );

  endpoint(
    app,
    deps,
    'freezes:read',
    createRoute({
      method: 'get',
      path: '/v1/freezes',
      tags: ['freezes'],
      summary: 'Freezes on record, newest first, those that are over included',
      request: {
        query: z.object({
          ...listQuery,
          service: ServiceName.optional(),
          environment: EnvironmentName.optional(),
          state: FreezeView.shape.state.optional(),
        }),
      },
      responses: { 200: answers('A page', pageOf(Shown)) },
    }),
    async (c) => {
      const { limit, cursor, service, environment, state } = c.req.valid('query');
      c.var.allow({});
      if (cursor === undefined) await recordWhatHolds(deps);
      const wanted = (freeze: Freeze): boolean =>
        mayRead(c.var, freeze) &&
        (service === undefined || freeze.service === service) &&
        (environment === undefined || freeze.environment === environment) &&
        (state === undefined || stateAt(freeze, deps.clock.now()) === state);
      return c.json(await pageOfThose(deps, limit, cursor, wanted), 200);
    },
  );

  endpoint(
    app,
    deps,
    'freezes:read',
    createRoute({
      method: 'get',
      path: '/v1/freezes/{id}',
      tags: ['freezes'],
      summary: 'One freeze, with its overrides and who has used them',
      request: { params },
      responses: { 200: answers('The freeze', Shown), 404: problems('Unknown') },
    }),
    async (c) => {
      const freeze = await found(deps, c.req.valid('param').id);
      if (!mayRead(c.var, freeze)) c.var.allow(scopeOf(freeze));
      return c.json(viewOf(freeze, deps.clock.now()), 200);
    },
  );

  endpoint(
    app,
    deps,
    'freezes:write',
    createRoute({
      method: 'delete',
      path: '/v1/freezes/{id}',
      tags: ['freezes'],
      summary: 'A person lifts a freeze; its cause does not freeze again before it was over once',
      request: { params, query: endingQuery },
      ...endingBody,
      responses: { 200: answers('Lifted', Shown), 404: problems('Unknown') },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const freeze = await found(deps, id);
      c.var.allow(scopeOf(freeze));
      const by = c.var.principal.name;
      const reason = (await endingReason(c, c.req.valid('query'))) ?? `${by} has lifted it`;
      const ended = await deps.freezes.end(id, {
        at: deps.clock.now(),
        by,
        reason,
        settled: freeze.cause === 'person',
      });
      if (ended === undefined) throw unknownFreeze(id);
      return c.json(viewOf(ended, deps.clock.now()), 200);
    },
  );
}

function byPerson(input: NewFreeze, by: string, now: Timestamp): Freeze {
  const starts_at = input.starts_at ?? now;
  if (input.until !== null && input.until <= (starts_at < now ? now : starts_at))
    throw new Refusal(422, 'invalid', `json: until (${input.until}) has to be after now and after starts_at`);
  return {
    ...NEW,
    ...input,
    starts_at,
    id: `frz_${randomUUID().replaceAll('-', '').slice(0, 26)}`,
    cause: 'person',
    ends_when:
      input.until === null ? 'somebody lifts it' : `it is over at ${moment(input.until)}, or somebody lifts it`,
    opened_by: by,
    opened_at: now,
  };
}

/** Fewer than asked for only at the end of the list. */
async function pageOfThose(deps: Deps, limit: number, cursor: string | undefined, wanted: (freeze: Freeze) => boolean) {
  let from = cursor;
  for (;;) {
    const page = await deps.freezes.list({ limit, ...(from !== undefined && { cursor: from }) });
    const items = page.items.filter(wanted).map((freeze) => viewOf(freeze, deps.clock.now()));
    if (items.length > 0 || page.next_cursor === null) return { items, next_cursor: page.next_cursor };
    from = page.next_cursor;
  }
}
