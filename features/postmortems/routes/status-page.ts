import { publishToStatusPage, withdrawFromStatusPage } from '../actions/publish-to-status-page.ts';
import type { Deps } from '../ports.ts';
import { PublicIncident, PublicPostmortemInput } from '../../status-page/schemas/public-incident.ts';
import { type Api, answers, body, createRoute, endpoint, problems } from '../../../entrances/http/endpoint.ts';
import { incidentParams } from '../../../entrances/http/incident-param.ts';

const Shown = PublicIncident.meta({ id: 'PublicIncident' });

/** Registers the routes by which a post-mortem is shown on the status page. */
export function publicPostmortemRoutes(app: Api, deps: Deps): void {
  const params = incidentParams(deps);
  endpoint(
    app,
    deps,
    'incidents:act',
    createRoute({
      method: 'put',
      path: '/v1/incidents/{id}/postmortem/public',
      tags: ['post-mortems'],
      summary: 'Publish a text about a resolved incident on the status page, or replace it',
      request: { params, ...body(PublicPostmortemInput) },
      responses: {
        200: answers('What the status page shows of the incident', Shown),
        404: problems('There is no such incident'),
        409: problems('The status page does not show the incident, or its post-mortem is not published'),
        422: problems('Validation failed, or the text contains what readers must not see'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      return c.json(await publishToStatusPage(deps, c.var.caller, id, c.req.valid('json')), 200);
    },
  );
  endpoint(
    app,
    deps,
    'incidents:act',
    createRoute({
      method: 'delete',
      path: '/v1/incidents/{id}/postmortem/public',
      tags: ['post-mortems'],
      summary: 'Remove the text from the status page',
      request: { params },
      responses: {
        200: answers('What the status page shows of the incident', Shown),
        404: problems('There is no such incident'),
        409: problems('The status page does not show the incident'),
      },
    }),
    async (c) => c.json(await withdrawFromStatusPage(deps, c.var.caller, c.req.valid('param').id), 200),
  );
}
