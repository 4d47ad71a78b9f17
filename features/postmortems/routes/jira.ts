import * as z from 'zod';
import { parseJson } from '../../../vendors/shared/json-body.ts';
import { markIssueChanged } from '../actions/issues/receive.ts';
import { contentRefusal, Refusal } from '../../../core/domain/refusal.ts';
import type { Deps } from '../ports.ts';
import { JiraEvent, jiraSignature } from '../vendors/jira/webhook.ts';
import { type Api, answers, createRoute, endpoint, problems } from '../../../entrances/http/endpoint.ts';
import { signedBody } from '../../../entrances/http/webhooks/received-body.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

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
      const body = await signedBody(c, deps, jiraSignature, BODY_MAX_BYTES);
      const json = parseJson(body);
      if (json === undefined) throw contentRefusal(400, 'not-json', 'the body is not JSON');
      const event = JiraEvent.safeParse(json.value);
      if (!event.success) throw new Refusal(422, 'invalid', inputProblemText(event.error));
      const { webhookEvent, issue } = event.data;
      const isOurs = issue !== undefined && (await markIssueChanged(deps, 'jira', issue.id));
      return c.json(
        isOurs ? { recorded: issue.id } : { ignored: `${webhookEvent}: not the issue of an action item` },
        202,
      );
    },
  );
}
