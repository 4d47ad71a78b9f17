import { createRoute, z } from '@hono/zod-openapi';
import { randomUUID } from 'node:crypto';
import { policyFor } from '../../domain/freeze/policy.ts';
import { stateAt } from '../../domain/freeze/state.ts';
import type { Deps } from '../../domain/ports.ts';
import { type Freeze, NewOverride, Override } from '../../schemas/freeze.ts';
import { EnvironmentName, ServiceName } from '../../schemas/names.ts';
import { plusSeconds } from '../../schemas/time.ts';
import { answers, type Api, body, endpoint, problems } from './endpoint.ts';
import { endingBody, endingQuery, endingReason, found, scopeOf } from './freeze-access.ts';
import { Refusal } from './problem.ts';

const ShownOverride = Override.extend({ freeze_id: z.string() }).meta({ id: 'FreezeOverride' });
const params = z.object({ id: z.string().min(1).max(128) });
const overrideParams = params.extend({ override: z.string().min(1).max(128) });

/** What is let through freezes, by whom, and why. */
export function overrideRoutes(app: Api, deps: Deps): void {
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
      request: { params: overrideParams, query: endingQuery },
      ...endingBody,
      responses: { 200: answers('Withdrawn', ShownOverride), 404: problems('Unknown') },
    }),
    async (c) => {
      const { id, override } = c.req.valid('param');
      c.var.allow(scopeOf(await found(deps, id)));
      const reason = await endingReason(c, c.req.valid('query'));
      const after = await deps.freezes.withdrawOverride(id, override, c.var.principal.name, reason);
      if (after === undefined) throw unknownOverride(id, override);
      return c.json(overrideIn(after, override), 200);
    },
  );
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

function overrideIn(freeze: Freeze, id: string) {
  const override = freeze.overrides.find((one) => one.id === id);
  if (override === undefined) throw unknownOverride(freeze.id, id);
  return { ...override, freeze_id: freeze.id };
}

const unknownOverride = (id: string, override: string): Refusal =>
  new Refusal(404, 'unknown-override', `freeze ${id} has no override ${override}`);
const over = ({ id }: Freeze): Refusal =>
  new Refusal(409, 'freeze-over', `freeze ${id} is over; nothing has to be let through`);
