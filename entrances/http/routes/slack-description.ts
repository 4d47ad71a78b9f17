import * as z from 'zod';
import { type Api, createRoute, problems } from '../endpoint.ts';

const FORM = 'application/x-www-form-urlencoded';

const RECEIVERS = [
  { endpoint: 'commands', type: FORM, summary: 'Receive slash commands from Slack' },
  { endpoint: 'interactions', type: FORM, summary: 'Receive buttons, modals, and shortcuts from Slack' },
  { endpoint: 'events', type: 'application/json', summary: 'Receive events from Slack' },
];

/** Describes the Slack endpoints for OpenAPI. A separate function handles them at the same address. */
export function describeSlackEndpoints(app: Api): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'slackSignature', {
    type: 'apiKey',
    in: 'header',
    name: 'X-Slack-Signature',
    description:
      'HMAC of the body and X-Slack-Request-Timestamp with SLACK_SIGNING_SECRET; the timestamp is at most five minutes old',
  });
  for (const { endpoint, type, summary } of RECEIVERS) {
    app.openAPIRegistry.registerPath(
      createRoute({
        method: 'post',
        path: `/integrations/slack/${endpoint}`,
        tags: ['integrations'],
        summary,
        security: [{ slackSignature: [] }],
        request: { body: { required: true, content: { [type]: { schema: z.looseObject({}) } } } },
        responses: {
          200: { description: 'Accepted. The body is a message for the Slack user' },
          400: problems('The request cannot be parsed; kept in quarantine'),
          401: problems("Slack's signature is missing, invalid, or too old"),
          413: problems('Larger than 1 MiB'),
          415: problems('Wrong content type'),
          503: problems('Not accepted; send it again'),
        },
      }),
    );
  }
}
