import * as z from 'zod';
import type { ApiDeps } from '../../deps.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import { IncidentRole, NextUpdateMinutes } from '../../../../schemas/people/response-roles.ts';
import {
  acknowledge,
  assignRole,
  handOver,
  leaveRole,
  takeRole,
  sendUpdateToStakeholders,
} from '../../../../core/actions/incidents/acknowledge.ts';
import { holderNamed } from '../../../../core/actions/incidents/role-holders.ts';
import type { Caller } from '../../../../core/actions/people/caller.ts';
import { type Api, answers, body, createRoute, endpoint, problems } from '../../endpoint.ts';
import { incidentParams } from '../../incident-param.ts';
import { Incident } from './incidents.ts';
import { requiredText } from '../../../../schemas/parsing/free-text.ts';

const To = z.string().min(1).max(64).meta({ description: 'The ID of a person in people.yaml' });
const Assignment = z.strictObject({ role: IncidentRole, to: To });
const Roles = z.discriminatedUnion('do', [
  z.strictObject({ do: z.enum(['take', 'leave']), role: IncidentRole }),
  Assignment.extend({ do: z.literal('assign') }),
]);
const HandOver = z.strictObject({
  to: To,
  brief: requiredText(3000)
    .nullish()
    .meta({ description: 'Handoff summary for the new incident commander; generated from the incident if absent' }),
});
const Update = z.strictObject({
  text: requiredText(3000),
  next_minutes: NextUpdateMinutes.optional().meta({
    description: 'Minutes until a responder sends the next update. Stakeholders read the time',
  }),
  publish: z.boolean().default(false).meta({
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
export function incidentRoleRoutes(app: Api, deps: ApiDeps): void {
  const params = incidentParams(deps);

  const assign = async (caller: Caller, id: IncidentId, { role, to }: z.infer<typeof Assignment>) =>
    assignRole(deps, caller, { id, role, to: await holderNamed(deps, caller, id, to) });

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
      const input = { id, key: c.var.requestKey, to: await holderNamed(deps, c.var.caller, id, to), brief };
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
      if (request.do === 'assign') return c.json(await assign(c.var.caller, id, request), 200);
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
      path: '/v1/incidents/{id}/actions/assign',
      tags: ['actions'],
      summary: 'Assign a role to a person in people.yaml',
      request: { params, ...body(Assignment) },
      responses: { 200: answers('The updated incident', Incident), ...refusals },
    }),
    async (c) => c.json(await assign(c.var.caller, c.req.valid('param').id, c.req.valid('json')), 200),
  );

  for (const [path, tag] of [
    ['/v1/incidents/{id}/updates', 'incidents'],
    ['/v1/incidents/{id}/actions/update', 'actions'],
  ] as const) {
    endpoint(
      app,
      deps,
      'incidents:write',
      createRoute({
        method: 'post',
        path,
        tags: [tag],
        summary: 'Send a status update to stakeholders',
        request: { params, ...body(Update) },
        responses: { 200: answers('The updated incident', Incident), ...refusals },
      }),
      async (c) => {
        const { id } = c.req.valid('param');
        const { text, publish, next_minutes: nextMinutes } = c.req.valid('json');
        const update = { id, key: c.var.requestKey, text, nextMinutes, publish: publish ? 'required' : 'no' } as const;
        return c.json((await sendUpdateToStakeholders(deps, c.var.caller, update)).incident, 200);
      },
    );
  }
}
