import * as z from 'zod';
import { inConfiguredSpelling } from '../../../core/domain/catalogue/known-names.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { DrillRefusal } from '../../../core/domain/automation/drill.ts';
import type { ApiDeps } from '../deps.ts';
import { Drill, DrillId } from '../../../schemas/automation/drill.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { planDrill } from '../../../core/actions/automation/drills.ts';
import { drillEnvironments } from '../../../core/domain/automation/drill.ts';
import {
  type Api,
  answers,
  body,
  createRoute,
  endpoint,
  isIn,
  listQuery,
  pageOf,
  problems,
  readable,
  scopeOf,
  scopeQuery,
} from '../endpoint.ts';
import { newUlid } from '../new-id.ts';
import { Refusal } from '../../../core/domain/refusal.ts';

const Shown = Drill.meta({ id: 'Drill' });

const DrillEnvironment = z
  .object({
    service: ServiceName,
    environment: EnvironmentName,
    last_proved_at: Timestamp.nullable(),
    drill_id: DrillId.nullable(),
  })
  .meta({ id: 'DrillLane' });

/** Registers the routes of drills, which test the rollback of a target. */
export function drillRoutes(app: Api, deps: ApiDeps): void {
  endpoint(
    app,
    deps,
    'drills:write',
    createRoute({
      method: 'post',
      path: '/v1/drills',
      tags: ['drills'],
      summary: 'Start a drill: roll a target back and forward again',
      request: body(z.strictObject({ service: ServiceName, environment: EnvironmentName })),
      responses: {
        202: answers('Started', Shown),
        409: problems('Drills are not enabled for this target, or a drill is not possible now'),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const serviceEnvironment = inConfiguredSpelling(await deps.config.current(), c.req.valid('json'));
      c.var.allow(serviceEnvironment);
      const id = DrillId.parse(newUlid(c, deps.clock));
      const drill = (await deps.drills.get(id)) ?? (await begin(deps, serviceEnvironment, id, c.var.principal.name));
      await startWorkflow(deps, id);
      return c.json(Drill.parse(drill), 202);
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
      summary: 'List drills, newest first, and the last successful drill of each environment with drills',
      request: {
        query: z.object({ ...listQuery, ...scopeQuery }),
      },
      responses: {
        200: answers('A page of results', pageOf(Shown).extend({ environments: z.array(DrillEnvironment) })),
      },
    }),
    async (c) => {
      const { limit, cursor, ...query } = c.req.valid('query');
      const scope = await scopeOf(deps, c, query);
      const read = (from?: string) => deps.drills.list({ limit, ...(from && { cursor: from }), ...scope });
      const [page, drillTargets] = await Promise.all([readable(c.var, read, cursor), environmentsWithProofs(deps)]);
      const selected = drillTargets.filter((drillTarget) => c.var.may(drillTarget) && isIn(scope, drillTarget));
      return c.json({ ...page, environments: selected }, 200);
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
      summary: 'Get a drill',
      request: { params: z.object({ id: DrillId }) },
      responses: { 200: answers('The drill', Shown), 404: problems('Not found') },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const drill = await deps.drills.get(id);
      if (drill === undefined) throw new Refusal(404, 'unknown-drill', `no drill has the ID ${id}`);
      c.var.allow(drill);
      return c.json(Drill.parse(drill), 200);
    },
  );
}

/** Stores a new drill. @throws Refusal 409, 422 */
async function begin(deps: ApiDeps, serviceEnvironment: ServiceEnvironment, id: DrillId, by: string): Promise<Drill> {
  const planned = await planDrill(deps, serviceEnvironment, { id, by });
  if (!planned.ok) throw refused(planned.reason);
  const begun = await deps.drills.begin(planned.drill);
  if (!begun.ok) throw refused(begun.reason);
  return planned.drill;
}

/**
 * Starts the drill's workflow. A failure is only logged, because the sweeper starts the stored drill within a minute.
 */
async function startWorkflow({ runs, log }: ApiDeps, id: DrillId): Promise<void> {
  try {
    await runs.drill.start(id, 1);
  } catch (error) {
    log.warn('a drill could not be started; the sweeper tries again', { drill: id, error: String(error) });
  }
}

const refused = ({ code, text }: DrillRefusal): Refusal =>
  new Refusal(code === 'unknown-service-environment' ? 422 : 409, code, text);

/** Returns all services and environments with drills, each with its last successful drill. */
async function environmentsWithProofs(deps: ApiDeps): Promise<z.infer<typeof DrillEnvironment>[]> {
  const [{ services }, proved] = await Promise.all([deps.config.current(), deps.drills.proved()]);
  return drillEnvironments(services).map((drillTarget: ServiceEnvironment) => {
    const proof = proved.find(
      (target) => target.service === drillTarget.service && target.environment === drillTarget.environment,
    );
    return { ...drillTarget, last_proved_at: proof?.at ?? null, drill_id: proof?.drill_id ?? null };
  });
}
