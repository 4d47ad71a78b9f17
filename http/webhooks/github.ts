import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { eventName, receiveGithub } from '../../actions/changes/receive-github.ts';
import { signingSecret } from '../../actions/connections/signing-secrets.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { hasSignatureForm, isSignedByGithub, payloadOf } from '../../integrations/github/webhook.ts';
import { readUnverifiedBody } from '../middleware/body.ts';
import type { Env } from '../context.ts';
import { answers, type Api, endpoint, problems } from '../endpoint.ts';
import { Refusal } from '../../actions/refusal.ts';
import { answerProtectionRule } from './github-protection.ts';
import { refuseUnreadable } from './refuse-unreadable.ts';

/** GitHub's own limit for webhook payloads. */
const BODY_MAX_BYTES = 25 * 1024 * 1024;

const Answer = z
  .object({
    /** The event and action that Firebreak ignores. */
    ignored: z.string().optional(),
    gate: z.string().optional(),
    state: z.enum(['approved', 'rejected', 'waiting', 'over', 'answered_before']).optional(),
    /** IDs of the changes that the event has recorded or updated. */
    changes: z.array(z.string()).optional(),
    /** ID of the run that the event has recorded or updated. */
    pipeline_run: z.string().optional(),
    /** The push, pull request, or release that was kept, or the issue whose action item will be compared. */
    recorded: z.string().optional(),
    /** Why no service was found for the change or the run. It is kept. */
    unmapped: z.string().optional(),
  })
  .meta({ id: 'GithubWebhook' });

const PATH = '/integrations/github/webhook';

/**
 * Registers the receiver for signed GitHub webhooks. Answers deployment protection rules, and records changes.
 *
 * @see https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks
 */
export function githubRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'receiver',
    createRoute({
      method: 'post',
      path: PATH,
      tags: ['integrations'],
      summary:
        'Receive GitHub webhooks, signed with GITHUB_WEBHOOK_SECRET: deployment, deployment_status, deployment_protection_rule, push, pull_request, pull_request_review, release, workflow_run, workflow_job, issues of action items, and repository_dispatch of Flux; ignores others',
      responses: {
        202: answers('Accepted or ignored', Answer),
        400: problems('Not JSON; kept in quarantine'),
        413: problems('Larger than 25 MiB'),
        422: problems('The payload does not match its event type; kept in quarantine'),
      },
    }),
    async (c) => {
      const type = c.req.header('x-github-event') ?? 'no event';
      const body = await signedBody(c, deps);
      const payload = payloadOf(body, c.req.header('content-type') ?? '');
      const unreadable = (status: 400 | 422, detail: string) =>
        refuseUnreadable(c, deps, {
          source: 'github',
          sender: 'github:signature',
          receiver: `${PATH}?event=${encodeURIComponent(type)}`, // the body does not name its event
          body,
          status,
          detail,
        });
      if (payload === undefined) throw await unreadable(400, 'neither the body nor its form field "payload" is JSON');
      if (eventName({ type, payload }) === 'deployment_protection_rule.requested')
        return c.json(await answerProtectionRule(c, deps, payload), 202);
      const answer = await receiveGithub(deps, { type, payload, trace: c.var.trace }).catch(async (error: unknown) => {
        if (error instanceof Refusal && error.code === 'invalid') throw await unreadable(422, error.message);
        throw error;
      });
      c.var.log.info('received an event of GitHub', { delivery: c.req.header('x-github-delivery'), type, ...answer });
      return c.json(answer, 202);
    },
  );
}

/**
 * Returns the body after checking GitHub's signature.
 *
 * @throws Refusal 401 if the signature is missing or invalid
 */
async function signedBody(c: Context<Env>, { secrets }: Pick<Deps, 'secrets'>): Promise<Uint8Array> {
  const secret = await signingSecret(secrets, 'GITHUB_WEBHOOK_SECRET');
  const signature = c.req.header('x-hub-signature-256');
  const body = secret && hasSignatureForm(signature) ? await readUnverifiedBody(c, BODY_MAX_BYTES) : undefined; // the signature covers the bytes
  if (body === undefined || !isSignedByGithub(body, signature, secret))
    throw new Refusal(
      401,
      'unauthorized',
      'X-Hub-Signature-256 is missing or invalid, or GITHUB_WEBHOOK_SECRET is not set in Firebreak',
    );
  return body;
}
