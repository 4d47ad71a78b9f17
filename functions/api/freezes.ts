import { createRoute, z } from '@hono/zod-openapi';
import { randomUUID } from 'node:crypto';
import { NEW } from '../../domain/freeze/causes.ts';
import { policyFor } from '../../domain/freeze/policy.ts';
import { stateAt, viewOf } from '../../domain/freeze/state.ts';
import { moment } from '../../domain/freeze/words.ts';
import type { Scope } from '../../domain/access.ts';
import type { Deps } from '../../domain/ports.ts';
import { type Freeze, FreezeView, NewFreeze, NewOverride, Override } from '../../schemas/freeze.ts';
import { EnvironmentName, ServiceName } from '../../schemas/names.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time.ts';
import { freezeOnRecord } from '../freeze/on-record.ts';
import { answers, type Api, body, endpoint, listQuery, pageOf, problems } from './endpoint.ts';
import { Refusal } from './problem.ts';

const Shown = FreezeView.meta({ id: 'Freeze' });
const ShownOverride = Override.extend({ freeze_id: z.string() }).meta({ id: 'FreezeOverride' });
const params = z.object({ id: z.string().min(1).max(128) });
const overrideParams = params.extend({ override: z.string().min(1).max(128) });

/** Freezes on record, and what is let through them. */
export function freezeRoutes(app: Api, deps: Deps): void {
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
      responses: { 201: answers('Frozen', Shown), 422: problems('What is wrong with it') },
    }),
    async (c) => {
      const input = c.req.valid('json');
      c.var.allow(scopeOf(input));
      const freeze = byPerson(input, c.var.principal.name, deps.clock.now());
      const opened = await deps.freezes.open(freeze);
      return c.json(viewOf(opened.freeze, deps.clock.now()), 201);
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
      request: { params, query: z.object({ reason: z.string().trim().min(1).max(2000).optional() }) },
      responses: { 200: answers('Lifted', Shown), 404: problems('Unknown') },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const freeze = await found(deps, id);
      c.var.allow(scopeOf(freeze));
      const by = c.var.principal.name;
      const reason = c.req.valid('query').reason ?? `${by} has lifted it`;
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

  endpoint(
    app,
    deps,
    'freezes:override',
    createRoute({
      method: 'post',
      path: '/v1/freezes/{id}/overrides',
      tags: ['freezes'],
      summary: 'A permission to deploy during a freeze: with a reason, for a while, for so many deployments',
      request: { params, ...body(NewOverride) },
      responses: {
        201: answers('Given, or asked for where policy wants a second person', ShownOverride),
        404: problems('Unknown'),
        409: problems('The freeze is over'),
        422: problems('What is wrong with it'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const freeze = await found(deps, id);
      c.var.allow(scopeOf(freeze));
      const override = await newOverride(deps, freeze, c.req.valid('json'), c.var.principal.name);
      const after = await deps.freezes.addOverride(id, override);
      if (after === undefined) throw over(freeze);
      return c.json({ ...override, freeze_id: id }, 201);
    },
  );

  endpoint(
    app,
    deps,
    'freezes:override',
    createRoute({
      method: 'post',
      path: '/v1/freezes/{id}/overrides/{override}/approve',
      tags: ['freezes'],
      summary: 'The yes of a second person, who is not the one who asked',
      request: { params: overrideParams },
      responses: {
        200: answers('Approved', ShownOverride),
        403: problems('It is your own'),
        404: problems('Unknown'),
        409: problems('Nobody waits for a yes to it'),
      },
    }),
    async (c) => {
      const { id, override } = c.req.valid('param');
      const freeze = await found(deps, id);
      c.var.allow(scopeOf(freeze));
      if (!freeze.overrides.some((one) => one.id === override)) throw unknownOverride(id, override);
      const by = c.var.principal.name;
      const after = await deps.freezes.approveOverride(id, override, by);
      if (after === 'own')
        throw new Refusal(403, 'own-override', `${by} has asked for it; somebody else has to approve`);
      if (after === 'unknown')
        throw new Refusal(
          409,
          'not-waiting',
          'nobody waits for a yes to it: it has expired, was withdrawn, or the freeze is over',
        );
      return c.json(overrideIn(after, override), 200);
    },
  );

  endpoint(
    app,
    deps,
    'freezes:override',
    createRoute({
      method: 'delete',
      path: '/v1/freezes/{id}/overrides/{override}',
      tags: ['freezes'],
      summary: 'Take a permission back; deployments that have used it keep what they have',
      request: { params: overrideParams },
      responses: { 200: answers('Withdrawn', ShownOverride), 404: problems('Unknown') },
    }),
    async (c) => {
      const { id, override } = c.req.valid('param');
      c.var.allow(scopeOf(await found(deps, id)));
      const after = await deps.freezes.withdrawOverride(id, override, c.var.principal.name);
      if (after === undefined) throw unknownOverride(id, override);
      return c.json(overrideIn(after, override), 200);
    },
  );
}

/** Null is all of them: what holds for everybody is for those who answer for everybody. */
const scopeOf = ({ service, environment }: Pick<Freeze, 'service' | 'environment'>): Scope => ({
  service,
  environment,
});

/** Whoever may read anything of a scope may read what holds for more than that. */
const mayRead = (
  { may }: { may: (scope: Scope) => boolean },
  { service, environment }: Pick<Freeze, 'service' | 'environment'>,
): boolean => may({ ...(service !== null && { service }), ...(environment !== null && { environment }) });

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

async function newOverride(deps: Deps, freeze: Freeze, input: NewOverride, by: string): Promise<Override> {
  const now = deps.clock.now();
  if (stateAt(freeze, now) === 'over') throw over(freeze);
  if (input.expires_at <= now)
    throw new Refusal(422, 'invalid', `json: expires_at (${input.expires_at}) has to be later than now (${now})`);
  const { people, maxSeconds } = await overridesAt(deps, freeze);
  const latest = plusSeconds(now, maxSeconds);
  if (input.expires_at > latest)
    throw new Refusal(
      422,
      'invalid',
      `json: expires_at is at most ${maxSeconds / 3600} hours from now by policy: ${latest}`,
    );
  return {
    id: `ovr_${randomUUID().replaceAll('-', '').slice(0, 26)}`,
    ...input,
    requested_by: by,
    requested_at: now,
    needs_approval: people === 2,
    approved_by: null,
    approved_at: null,
    withdrawn_by: null,
    withdrawn_at: null,
    used_by: [],
  };
}

/** Of several services that a freeze holds for, the strictest policy. */
async function overridesAt({ config }: Pick<Deps, 'config'>, { service, environment, team }: Freeze) {
  const { freeze, services } = await config.current();
  const concerned = Object.entries(services).filter(
    ([name, entry]) => (service === null || name === service) && (team === null || entry.team === team),
  );
  const policies = (concerned.length > 0 ? concerned : ([[service ?? '', undefined]] as const)).flatMap(
    ([name, entry]) => {
      const environments = environment === null ? Object.keys(entry?.environments ?? {}) : [environment];
      return (environments.length > 0 ? environments : ['production']).map(
        (each) =>
          policyFor(freeze, {
            service: ServiceName.catch('unknown' as ServiceName).parse(name),
            environment: EnvironmentName.parse(each),
            team: entry?.team ?? null,
            tier: entry?.tier ?? null,
          }).overrides,
      );
    },
  );
  return {
    people: policies.some((policy) => policy.people === 2) ? 2 : 1,
    maxSeconds: Math.min(...policies.map((policy) => policy.maxSeconds)),
  };
}

async function found(deps: Deps, id: string): Promise<Freeze> {
  const freeze = await freezeOnRecord(deps, id);
  if (freeze === undefined) throw unknownFreeze(id);
  return freeze;
}

function overrideIn(freeze: Freeze, id: string) {
  const override = freeze.overrides.find((one) => one.id === id);
  if (override === undefined) throw unknownOverride(freeze.id, id);
  return { ...override, freeze_id: freeze.id };
}

const unknownFreeze = (id: string): Refusal => new Refusal(404, 'unknown-freeze', `there is no freeze ${id}`);
const unknownOverride = (id: string, override: string): Refusal =>
  new Refusal(404, 'unknown-override', `freeze ${id} has no override ${override}`);
const over = ({ id }: Freeze): Refusal =>
  new Refusal(409, 'freeze-over', `freeze ${id} is over; nothing has to be let through`);

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
