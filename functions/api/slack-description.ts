import { createRoute, z } from '@hono/zod-openapi';
import { type Api, problems } from './endpoint.ts';

const FORM = 'application/x-www-form-urlencoded';

const RECEIVERS = [
  { place: 'commands', type: FORM, summary: 'Slash commands of Slack' },
  { place: 'interactions', type: FORM, summary: 'Buttons, dialogs and shortcuts of Slack' },
  { place: 'events', type: 'application/json', summary: 'Events of Slack' },
];

/** What Slack sends goes to a function of its own at the same address. This only describes it. */
export function describeSlack(app: Api): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'slackSignature', {
    type: 'apiKey',
    in: 'header',
    name: 'X-Slack-Signature',
    description: 'With X-Slack-Request-Timestamp, at most five minutes old: over the body, by SLACK_SIGNING_SECRET',
  });
  for (const { place, type, summary } of RECEIVERS) {
    app.openAPIRegistry.registerPath(
      createRoute({
        method: 'post',
        path: `/integrations/slack/${place}`,
        tags: ['integrations'],
        summary,
        security: [{ slackSignature: [] }],
        request: { body: { required: true, content: { [type]: { schema: z.looseObject({}) } } } },
        responses: {
          200: { description: 'Taken. What the body says is for whoever has acted' },
          400: problems('Cannot be read; it is kept in quarantine'),
          401: problems('Not signed by Slack, or not lately'),
          413: problems('Over 1 MiB'),
          415: problems('Of another content type'),
          503: problems('Not taken; to be sent again'),
        },
      }),
    );
  }
}
