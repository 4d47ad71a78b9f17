import { createRoute, z } from '@hono/zod-openapi';
import { lacksPermissionText } from '../../../domain/access/refusals.ts';
import { listedMay } from '../../../domain/people/people.ts';
import type { Deps } from '../../../domain/ports/deps.ts';
import type { Assignee } from '../../../domain/people/roles.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import { IncidentRole } from '../../../schemas/people/response-roles.ts';
import {
  acknowledge,
  assignRole,
  handOver,
  leaveRole,
  takeRole,
  sendUpdateToStakeholders,
} from '../../../actions/incidents/acknowledge.ts';
import { requireIncident } from '../../../actions/incidents/require-incident.ts';
import type { Caller } from '../../../actions/people/caller.ts';
import { answers, type Api, body, endpoint, problems } from '../../endpoint.ts';
import { Incident } from './incidents.ts';
import { Refusal } from '../../../actions/refusal.ts';

const params = z.object({ id: IncidentId });
const To = z.string().min(1).max(64).openapi({ description: 'The ID of a person in people.yaml' });
const Roles = z.discriminatedUnion('do', [
  z.strictObject({ do: z.enum(['take', 'leave']), role: IncidentRole }),
  z.strictObject({ do: z.literal('assign'), role: IncidentRole, to: To }),
]);
const HandOver = z.strictObject({
  to: To,
  brief: z
    .string()
    .min(1)
    .max(3000)
    .nullish()
    .openapi({ description: 'Handoff summary for the new incident commander; generated from the incident if absent' }),
});
const Update = z.strictObject({
  text: z.string().trim().min(1).max(3000),
  publish: z.boolean().default(false).openapi({
    description:
      'Approves showing the incident on the status page, if the page waits for approval. The page uses its own wording. Where the page never shows the incident, the update is refused with 409 not-on-status-page',
  }),
});

const refusals = {
  404: problems('Not found'),
  409: problems('The incident is resolved'),
  422: problems('Validation failed'),
};

/** Registers the routes for acknowledgement, handoff, roles, and stakeholder updates. */
export function incidentRoleRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'incidents:write',
    createRoute({
      method: 'post',
      path: '/v1/incidents/{id}/actions/acknowledge',
      tags: ['actions'],
      summary: 'Acknowledge an incident; the first acknowledgement stays in effect',
      request: { params },
      responses: { 200: answers('The updated incident', Incident), 404: refusals[404], 409: refusals[409] },
    }),
    async (c) => c.json(await acknowledge(deps, c.var.caller, c.req.valid('param')), 200),
  );

  endpoint(
    app,
    deps,
    'incidents:write',
    createRoute({
      method: 'post',
      path: '/v1/incidents/{id}/actions/hand-over',
      tags: ['actions'],
      summary: 'Hand over command to another person, with a handoff summary',
      request: { params, ...body(HandOver) },
      responses: { 200: answers('The updated incident', Incident), ...refusals },
    }),
    async (c) => {
      const { to, brief = null } = c.req.valid('json');
      const { id } = c.req.valid('param');
      const input = { id, to: await holderOf(deps, c.var.caller, id, to), brief };
      return c.json((await handOver(deps, c.var.caller, input)).incident, 200);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:write',
    createRoute({
      method: 'post',
      path: '/v1/incidents/{id}/roles',
      tags: ['incidents'],
      summary: 'Take a role, leave it, or assign it to a person in people.yaml',
      request: { params, ...body(Roles) },
      responses: { 200: answers('The updated incident', Incident), ...refusals },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const request = c.req.valid('json');
      if (request.do === 'assign') {
        const to = await holderOf(deps, c.var.caller, id, request.to);
        return c.json(await assignRole(deps, c.var.caller, { id, role: request.role, to }), 200);
      }
      const act = request.do === 'take' ? takeRole : leaveRole;
      return c.json(await act(deps, c.var.caller, { id, role: request.role }), 200);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:write',
    createRoute({
      method: 'post',
      path: '/v1/incidents/{id}/updates',
      tags: ['incidents'],
      summary: 'Send a status update to stakeholders',
      request: { params, ...body(Update) },
      responses: { 200: answers('The updated incident', Incident), ...refusals },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const { text, publish } = c.req.valid('json');
      const update = { id, text, publish: publish ? 'required' : 'no' } as const;
      return c.json((await sendUpdateToStakeholders(deps, c.var.caller, update)).incident, 200);
    },
  );
}

/**
 * Returns a person of people.yaml who has the permissions that the role needs.
 *
 * @throws Refusal 403 if the caller may not change the incident, 404 without such an incident, 422 without such a
 *   person or if the person lacks permissions
 */
async function holderOf(
  deps: Pick<Deps, 'config' | 'incidents' | 'clock'>,
  caller: Caller,
  id: IncidentId,
  name: string,
): Promise<Assignee> {
  const incident = await requireIncident(deps, id);
  caller.allow('incidents:write', incident);
  const config = await deps.config.current();
  const { people } = config.people;
  const names = Object.keys(people);
  const person = Object.entries(people).find(([key]) => key === name)?.[1];
  if (person === undefined)
    throw invalidAssignee(
      `${JSON.stringify(name)} is not in people.yaml${names.length === 0 ? ', which is empty' : `; it lists ${names.slice(0, 10).join(', ')}`}`,
    );
  if (!listedMay(config, person, 'incidents:write', incident, deps.clock.now()))
    throw invalidAssignee(
      `${name} ${lacksPermissionText('incidents:write', incident)}, according to their roles in people.yaml`,
    );
  return { name, shown: person.name ?? name, slack: person.slack ?? null };
}

const invalidAssignee = (why: string): Refusal => new Refusal(422, 'invalid', `json: to: ${why}`);
