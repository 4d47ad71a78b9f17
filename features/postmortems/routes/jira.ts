import { createRoute, z } from '@hono/zod-openapi';
import { parseJson } from '../../../actions/changes/receive-webhook.ts';
import { signingSecret } from '../../../actions/connections/signing-secrets.ts';
import { markIssueChanged } from '../actions/issues/receive.ts';
import { Refusal } from '../../../actions/refusal.ts';
import type { Deps } from '../ports.ts';
import { hasSignatureForm, isSignedByJira, JiraEvent } from '../vendors/jira/webhook.ts';
import { answers, type Api, endpoint, problems } from '../../../http/endpoint.ts';
import { readUnverifiedBody } from '../../../http/middleware/body.ts';

const BODY_MAX_BYTES = 10 * 1024 * 1024;
const PATH = '/integrations/jira/webhook';

const Answer = z
  .object({
    /** The issue whose action item will be compared. */
    recorded: z.string().optional(),
    /** Why the event is ignored. */
    ignored: z.string().optional(),
  })
  .meta({ id: 'JiraWebhook' });

/** Registers the receiver for signed webhooks of Jira. They only say which issue to read. */
export function jiraRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'receiver',
    createRoute({
      method: 'post',
      path: PATH,
      tags: ['integrations'],
      summary: 'Receive Jira webhooks about issues of action items, signed with JIRA_WEBHOOK_SECRET; ignores others',
      responses: {
        202: answers('Accepted or ignored', Answer),
        400: problems('Not JSON'),
        413: problems('Larger than 10 MiB'),
        422: problems('Not an event of Jira'),
      },
    }),
    async (c) => {
      const secret = await signingSecret(deps.secrets, 'JIRA_WEBHOOK_SECRET');
      const signature = c.req.header('x-hub-signature');
      const body = secret && hasSignatureForm(signature) ? await readUnverifiedBody(c, BODY_MAX_BYTES) : undefined; // the signature covers the bytes
      if (body === undefined || !isSignedByJira(body, signature, secret))
        throw new Refusal(
          401,
          'unauthorized',
          'X-Hub-Signature is missing or invalid, or JIRA_WEBHOOK_SECRET is not set in Firebreak',
        );
      const json = parseJson(body);
      if (json === undefined) throw new Refusal(400, 'not-json', 'the body is not JSON');
      const event = JiraEvent.safeParse(json.value);
      if (!event.success) throw new Refusal(422, 'invalid', z.prettifyError(event.error));
      const { webhookEvent, issue } = event.data;
      const isOurs = issue !== undefined && (await markIssueChanged(deps, 'jira', issue.id));
      return c.json(
        isOurs ? { recorded: issue.id } : { ignored: `${webhookEvent}: not the issue of an action item` },
        202,
      );
    },
  );
}
