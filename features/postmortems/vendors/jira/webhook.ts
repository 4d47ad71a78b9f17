import * as z from 'zod';
import { bodyHmac } from '../../../../vendors/shared/webhook-signature.ts';

/** @see https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-admin-webhooks */
export const jiraSignature = bodyHmac({ secret: 'JIRA_WEBHOOK_SECRET', header: 'X-Hub-Signature', prefix: 'sha256=' });

/** A webhook about an issue, such as `jira:issue_updated`. */
export const JiraEvent = z.object({
  webhookEvent: z.string().min(1).max(200),
  issue: z.object({ id: z.coerce.string().regex(/^\d{1,19}$/) }).optional(),
});
