import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { receiveGitlab } from '../../actions/changes/receive-gitlab.ts';
import { parseJson } from '../../actions/changes/receive-webhook.ts';
import { signingSecret } from '../../actions/connections/signing-secrets.ts';
import { Refusal } from '../../actions/refusal.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { hasProofForm, isFromGitlab } from '../../integrations/gitlab/webhook.ts';
import type { Env } from '../context.ts';
import { answers, type Api, endpoint, problems } from '../endpoint.ts';
import { readUnverifiedBody } from '../middleware/body.ts';
import { refuseUnreadable } from './refuse-unreadable.ts';

/** GitLab's own limit for webhook payloads. */
const BODY_MAX_BYTES = 25 * 1024 * 1024;

const Answer = z
  .object({
    /** The event that Firebreak ignores. */
    ignored: z.string().optional(),
    /** IDs of the changes that the event has recorded or updated. */
    changes: z.array(z.string()).optional(),
    /** The push or merge request that was kept. */
    recorded: z.string().optional(),
    /** ID of the run that the event has recorded or updated. */
    pipeline_run: z.string().optional(),
    /** Why no service was found for the change or the run. It is kept. */
    unmapped: z.string().optional(),
  })
  .meta({ id: 'GitlabWebhook' });

const PATH = '/integrations/gitlab/webhook';

/** Registers the receiver for GitLab webhooks. */
export function gitlabRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'receiver',
    createRoute({
      method: 'post',
      path: PATH,
      tags: ['integrations'],
      summary:
        'Receive GitLab webhooks, signed with GITLAB_WEBHOOK_SECRET or with it as secret token: deployment, push, merge_request, pipeline, build; ignores others',
      responses: {
        202: answers('Accepted or ignored', Answer),
        400: problems('Not JSON; kept in quarantine'),
        413: problems('Larger than 25 MiB'),
        422: problems('The payload does not match its event type; kept in quarantine'),
      },
    }),
    async (c) => {
      const body = await signedBody(c, deps);
      const unreadable = (status: 400 | 422, detail: string) =>
        refuseUnreadable(c, deps, {
          source: 'gitlab',
          sender: 'gitlab:signature',
          receiver: PATH,
          body,
          status,
          detail,
        });
      const parsed = parseJson(body);
      if (parsed === undefined) throw await unreadable(400, 'the body is not JSON');
      const answer = await receiveGitlab(deps, parsed.value, c.var.trace).catch(async (error: unknown) => {
        if (error instanceof Refusal && error.code === 'invalid') throw await unreadable(422, error.message);
        throw error;
      });
      c.var.log.info('received an event of GitLab', { event: c.req.header('x-gitlab-event-uuid'), ...answer });
      return c.json(answer, 202);
    },
  );
}

/** @throws Refusal 401 without a valid signature or token */
async function signedBody(c: Context<Env>, { secrets, clock }: Pick<Deps, 'secrets' | 'clock'>): Promise<Uint8Array> {
  const secret = await signingSecret(secrets, 'GITLAB_WEBHOOK_SECRET');
  const header = (name: string) => c.req.header(name);
  const body =
    secret && hasProofForm(header, secret, clock.now()) ? await readUnverifiedBody(c, BODY_MAX_BYTES) : undefined; // the signature covers the bytes
  if (body === undefined || !isFromGitlab(body, header, secret, clock.now()))
    throw new Refusal(
      401,
      'unauthorized',
      'the webhook-signature or X-Gitlab-Token is missing or invalid, or GITLAB_WEBHOOK_SECRET is not set in Firebreak',
    );
  return body;
}
