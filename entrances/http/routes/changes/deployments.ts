import * as z from 'zod';
import type { Deps } from '../../../../core/domain/ports/deps.ts';
import type { ApiDeps } from '../../deps.ts';
import { EVERYWHERE } from '../../../../core/domain/access/access.ts';
import { inConfiguredSpelling, nameWarnings } from '../../../../core/domain/catalogue/known-names.ts';
import { incidentNamer } from '../../../../core/actions/incidents/incident-numbers.ts';
import { unmappedSubjects } from '../../../../core/domain/changes/unmapped.ts';
import { watchIdOf } from '../../../../core/domain/judge/watch.ts';
import { Watch } from '../../../../schemas/judge/watch.ts';
import { Timestamp } from '../../../../schemas/time/time.ts';
import { ReportSubject } from '../../../../schemas/changes/change-report.ts';
import {
  Change,
  ChangeKind,
  ChangePatch,
  ChangeStatus,
  NewChange,
  whyTooFarAhead,
  whyImpossibleTimes,
} from '../../../../schemas/changes/change.ts';
import type { Config } from '../../../../schemas/config/config.ts';
import { ChangeId, IncidentId } from '../../../../schemas/config/names.ts';
import {
  type Api,
  answers,
  body,
  createRoute,
  endpoint,
  listQuery,
  pageOf,
  problems,
  readable,
  scopeOf,
  scopeQuery,
} from '../../endpoint.ts';
import { traceContextOf } from '../../../../schemas/parsing/traceparent.ts';
import { Refusal } from '../../../../core/domain/refusal.ts';
import { updateChange } from '../../../../core/actions/changes/record-change.ts';
import { recordDeployment, refuseIf, whyNotStarted } from '../../../../core/actions/changes/record-deployment.ts';

const Deployment = Change.extend({
  warnings: z
    .array(z.string())
    .meta({ description: 'Names that are not in the configuration, with suggestions for likely typos' }),
}).meta({ id: 'Deployment' });
const ListedDeployment = Deployment.extend({
  rolled_back_by_number: z
    .number()
    .nullable()
    .meta({ description: 'Number of the incident `rolled_back_by`, shown as INC-42. Null: none, or it has no number' }),
}).meta({ id: 'ListedDeployment' });
const WatchSummary = z
  .object({
    ...Watch.pick({ id: true, outcome: true, reason: true, started_at: true, ended_at: true, checks_planned: true })
      .shape,
    state: z.enum(['running', 'ended']),
    checks_done: z.number().int().meta({ description: 'Checks recorded so far, including missed ones' }),
    url: z.string().meta({ description: 'Path of the watch with its checks' }),
  })
  .meta({ id: 'DeploymentWatch' });
const WatchedDeployment = Deployment.extend({
  watch: WatchSummary.nullable().meta({ description: 'The watch after the deploy. Null: it is not watched' }),
}).meta({ id: 'WatchedDeployment' });
const Unmapped = z
  .object({
    reported_by: z.string(),
    subject: z.object(ReportSubject.shape).meta({ description: 'What the sender names' }),
    why: z.string(),
    lines: z.string().meta({ description: 'Lines of config/services.yaml that map it' }),
    rollouts: z.number().int(),
    first_at: Timestamp,
    last_at: Timestamp,
    url: z.string().nullable(),
  })
  .meta({ id: 'UnmappedDeployments' });
const params = z.object({ id: ChangeId });

/** Registers the routes of deployments and other changes. */
export function deploymentRoutes(app: Api, deps: ApiDeps): void {
  endpoint(
    app,
    deps,
    'deployments:write',
    createRoute({
      method: 'post',
      path: '/v1/deployments',
      tags: ['deployments'],
      summary: 'Record a deployment or another change',
      request: body(NewChange),
      responses: {
        201: answers('Recorded', Deployment),
        200: answers('Already recorded; fields that were unknown are filled', Deployment),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const input = inConfiguredSpelling(await deps.config.current(), c.req.valid('json'));
      c.var.allow(input);
      const { trace, requestedAt } = c.var;
      const request = { trace, requestedAt, ...traceContextOf(c.req.header('traceparent')) };
      const { change, created } = await recordDeployment(deps, input, request);
      return c.json(change, created ? 201 : 200);
    },
  );

  endpoint(
    app,
    deps,
    'deployments:write',
    createRoute({
      method: 'patch',
      path: '/v1/deployments/{id}',
      tags: ['deployments'],
      summary: 'Update the status of a change',
      request: { params, ...body(ChangePatch) },
      responses: {
        200: answers('The updated deployment', Deployment),
        404: problems('Not found'),
        409: problems('The deployment has ended and cannot start again'),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const before = await deps.changes.get(id);
      if (before === undefined) throw notFound(id);
      c.var.allow(before);
      const input = c.req.valid('json');
      refuseIf(
        whyNotStarted({ status: before.status, ...input }) ??
          whyImpossibleTimes(before.started_at, input.finished_at) ??
          whyTooFarAhead(input, deps.clock.now()) ??
          whyNotBefore(before, input),
      );
      const change = await updateChange(deps, before, input, c.var.trace);
      if (change === undefined) throw notFound(id);
      if (change === 'ended') throw await endedRefusal(deps, id);
      return c.json(withWarnings(await deps.config.current(), change), 200);
    },
  );

  // Before the route with an ID, which would match its path.
  endpoint(
    app,
    deps,
    'deployments:read',
    createRoute({
      method: 'get',
      path: '/v1/deployments/unmapped',
      tags: ['deployments'],
      summary: 'List deployments that other systems report, and that belong to no service of the catalogue',
      responses: { 200: answers('The newest first', z.object({ items: z.array(Unmapped) })) },
    }),
    async (c) => {
      c.var.allow(EVERYWHERE); // it can belong to any service
      const [config, unmapped] = await Promise.all([deps.config.current(), deps.rollouts.unmapped()]);
      return c.json({ items: unmappedSubjects(config, unmapped) }, 200);
    },
  );

  endpoint(
    app,
    deps,
    'deployments:read',
    createRoute({
      method: 'get',
      path: '/v1/deployments/{id}',
      tags: ['deployments'],
      summary: 'Get a change',
      request: { params },
      responses: {
        200: answers('The change, with the state or the outcome of its watch', WatchedDeployment),
        404: problems('Not found'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const change = await deps.changes.get(id);
      if (change === undefined) throw notFound(id);
      c.var.allow(change);
      const [config, watch] = await Promise.all([deps.config.current(), deps.watches.view(watchIdOf(id))]);
      return c.json({ ...withWarnings(config, change), watch: watch === undefined ? null : summaryOf(watch) }, 200);
    },
  );

  endpoint(
    app,
    deps,
    'deployments:read',
    createRoute({
      method: 'get',
      path: '/v1/deployments',
      tags: ['deployments'],
      summary: 'List changes, newest first',
      request: {
        query: z.object({
          ...listQuery,
          ...scopeQuery,
          kind: ChangeKind.optional(),
          status: ChangeStatus.optional(),
        }),
      },
      responses: { 200: answers('A page of results', pageOf(ListedDeployment)) },
    }),
    async (c) => {
      const { limit, cursor, kind, status, ...query } = c.req.valid('query');
      const wanted = { ...(await scopeOf(deps, c, query)), ...(kind && { kind }), ...(status && { status }) };
      const read = (from?: string) => deps.changes.list({ limit, ...(from && { cursor: from }), ...wanted });
      const [page, config] = await Promise.all([readable(c.var, read, cursor), deps.config.current()]);
      const rolledBackBy = page.items.map(rollbackIncidentOf);
      const named = await incidentNamer(deps, rolledBackBy);
      const items = page.items.map((change, index) => {
        const incident = rolledBackBy[index] ?? null;
        const number = incident === null ? null : (named(incident).number ?? null);
        return { ...withWarnings(config, change), rolled_back_by_number: number };
      });
      return c.json({ ...page, items }, 200);
    },
  );
}

const summaryOf = ({ id, outcome, reason, started_at, ended_at, checks_planned, checks }: Watch) => ({
  id,
  outcome,
  reason,
  started_at,
  ended_at,
  checks_planned,
  state: ended_at === null ? ('running' as const) : ('ended' as const),
  checks_done: checks.length,
  url: `/v1/watches/${id}`,
});

const rollbackIncidentOf = ({ rolled_back_by: id }: Change): IncidentId | null => IncidentId.safeParse(id).data ?? null;

const withWarnings = (config: Config, change: Change) => ({ ...change, warnings: nameWarnings(config, change) });

/** Returns why a version cannot have run before the change. */
const whyNotBefore = ({ version }: Change, { previous_version: previous }: ChangePatch): string | undefined =>
  previous === version
    ? `previous_version (${previous}) is the version of the deployment itself: send the version that ran before it`
    : undefined;

/** Returns the refusal for a deployment that has ended and cannot start again. */
async function endedRefusal(deps: Pick<Deps, 'changes'>, id: ChangeId): Promise<Refusal> {
  const status = (await deps.changes.get(id))?.status ?? 'cancelled';
  const how = status === 'cancelled' ? 'been cancelled' : status;
  return new Refusal(
    409,
    'deployment-ended',
    `deployment ${id} has ${how} and cannot start again; record the next attempt as a new deployment`,
  );
}

const notFound = (id: string): Refusal => new Refusal(404, 'unknown-deployment', `no deployment has the ID ${id}`);
