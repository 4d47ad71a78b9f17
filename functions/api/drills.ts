import { createRoute, z } from '@hono/zod-openapi';
import type { Deps, Place } from '../../domain/ports.ts';
import { Drill, DrillId } from '../../schemas/drill.ts';
import { EnvironmentName, ServiceName } from '../../schemas/names.ts';
import { Timestamp } from '../../schemas/time.ts';
import { lanesOf, planDrill } from '../drills.ts';
import { answers, type Api, body, endpoint, listQuery, pageOf, problems, seen } from './endpoint.ts';
import { Refusal } from './problem.ts';

const Shown = Drill.meta({ id: 'Drill' });

const Lane = z
  .object({
    service: ServiceName,
    environment: EnvironmentName,
    last_proved_at: Timestamp.nullable(),
    drill_id: DrillId.nullable(),
  })
  .meta({ id: 'DrillLane' });

/** Drills: targets' ways back, tried out. */
export function drillRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'drills:write',
    createRoute({
      method: 'post',
      path: '/v1/drills',
      tags: ['drills'],
      summary: 'Roll back and forth again where nobody is hurt',
      request: body(z.strictObject({ service: ServiceName, environment: EnvironmentName })),
      responses: {
        202: answers('Begun', Shown),
        409: problems('Not there, or not now'),
        422: problems('What is wrong with it'),
      },
    }),
    async (c) => {
      const place = c.req.valid('json');
      c.var.allow(place);
      const planned = await planDrill(deps, place, c.var.principal.name);
      if (!planned.ok) throw refused(planned.reason);
      const begun = await deps.drills.begin(planned.drill);
      if (!begun.ok) throw refused(begun.reason);
      await start(deps, planned.drill.id);
      return c.json(Drill.parse(planned.drill), 202);
    },
  );

  endpoint(
    app,
    deps,
    'drills:read',
    createRoute({
      method: 'get',
      path: '/v1/drills',
      tags: ['drills'],
      summary: 'Drills, newest first, and when each lane was last proved',
      request: {
        query: z.object({ ...listQuery, service: ServiceName.optional(), environment: EnvironmentName.optional() }),
      },
      responses: { 200: answers('A page', pageOf(Shown).extend({ lanes: z.array(Lane) })) },
    }),
    async (c) => {
      const { limit, cursor, service, environment } = c.req.valid('query');
      const place = { ...(service && { service }), ...(environment && { environment }) };
      c.var.allow(place);
      const read = (from?: string) => deps.drills.list({ limit, ...(from && { cursor: from }), ...place });
      const [page, lanes] = await Promise.all([seen(c.var, read, cursor), lanesWithProofs(deps)]);
      const here = lanes.filter(
        (lane) =>
          c.var.may(lane) &&
          lane.service === (service ?? lane.service) &&
          lane.environment === (environment ?? lane.environment),
      );
      return c.json({ ...page, lanes: here }, 200);
    },
  );

  endpoint(
    app,
    deps,
    'drills:read',
    createRoute({
      method: 'get',
      path: '/v1/drills/{id}',
      tags: ['drills'],
      summary: 'Read a drill',
      request: { params: z.object({ id: DrillId }) },
      responses: { 200: answers('The drill', Shown), 404: problems('Unknown') },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const drill = await deps.drills.get(id);
      if (drill === undefined) throw new Refusal(404, 'unknown-drill', `there is no drill ${id}`);
      c.var.allow(drill);
      return c.json(Drill.parse(drill), 200);
    },
  );
}

/** It is in the table: where this fails, the sweeper starts it within a minute. */
async function start({ drillRuns, log }: Deps, id: DrillId): Promise<void> {
  try {
    await drillRuns.start(id, 1);
  } catch (error) {
    log.warn('a drill could not be started yet', { drill: id, error: String(error) });
  }
}

const refused = ({ code, text }: { code: string; text: string }): Refusal =>
  new Refusal(code === 'unknown-place' ? 422 : 409, code, text);

/** Every lane of the catalogue, proved or not. */
async function lanesWithProofs(deps: Deps): Promise<z.infer<typeof Lane>[]> {
  const [{ services }, proved] = await Promise.all([deps.config.current(), deps.drills.proved()]);
  return lanesOf(services).map((lane: Place) => {
    const proof = proved.find((one) => one.service === lane.service && one.environment === lane.environment);
    return { ...lane, last_proved_at: proof?.at ?? null, drill_id: proof?.drill_id ?? null };
  });
}
