import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Deps } from '../../domain/ports/deps.ts';
import { isSignedByGithub, payloadOf } from '../../integrations/github/webhook.ts';
import { readBody } from '../middleware/body.ts';
import type { Env } from '../context.ts';
import { answers, type Api, endpoint, problems } from '../endpoint.ts';
import { Refusal } from '../../actions/refusal.ts';
import { answerProtectionRule } from './github-gates.ts';
import { reportGithubJob, reportGithubRun } from './github-pipelines.ts';
import { reportFluxDispatch } from './github-flux.ts';
import {
  recordGithubPullRequest,
  recordGithubPush,
  recordGithubRelease,
  reportGithubDeployment,
} from './github-changes.ts';

/** GitHub's own limit for webhook payloads. */
const BODY_MAX_BYTES = 25 * 1024 * 1024;

const Taken = z
  .object({
    /** The event and action that Firebreak ignores. */
    ignored: z.string().optional(),
    gate: z.string().optional(),
    state: z.enum(['approved', 'rejected', 'waiting', 'over', 'answered_before']).optional(),
    /** IDs of the changes that the event has recorded or updated. */
    changes: z.array(z.string()).optional(),
    /** ID of the run that the event has recorded or updated. */
    pipeline_run: z.string().optional(),
    /** The push, pull request, or release that was kept. */
    recorded: z.string().optional(),
    /** Why no service was found for the change or the run. It is kept. */
    unmapped: z.string().optional(),
  })
  .meta({ id: 'GithubWebhook' });

type Handle = (c: Context<Env>, deps: Deps, payload: unknown) => Promise<z.infer<typeof Taken>>;

/** What is done with each event, by its name or by its name and action. Other events are ignored. */
const EVENTS: ReadonlyMap<string, Handle> = new Map<string, Handle>([
  ['deployment_protection_rule.requested', answerProtectionRule],
  ['deployment.created', reportGithubDeployment],
  ['deployment_status.created', reportGithubDeployment],
  ['workflow_run', reportGithubRun],
  ['workflow_job', reportGithubJob],
  ['repository_dispatch', reportFluxDispatch],
  ['push', recordGithubPush],
  ['pull_request', recordGithubPullRequest],
  ['pull_request_review.submitted', recordGithubPullRequest],
  ['release.published', recordGithubRelease],
]);

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
      path: '/integrations/github/webhook',
      tags: ['integrations'],
      summary:
        'Receive GitHub webhooks, signed with GITHUB_WEBHOOK_SECRET: deployment, deployment_status, deployment_protection_rule, push, pull_request, pull_request_review, release, workflow_run, workflow_job, and repository_dispatch of Flux; ignores others',
      responses: {
        202: answers('Accepted or ignored', Taken),
        400: problems('Not JSON'),
        413: problems('Larger than 25 MiB'),
        422: problems('The payload does not match its event type'),
      },
    }),
    async (c) => {
      const payload = await received(c, deps);
      const event = c.req.header('x-github-event') ?? 'no event';
      const action = z.object({ action: z.string() }).safeParse(payload).data?.action;
      const name = [event, action].filter(Boolean).join('.');
      const handle = EVENTS.get(name) ?? EVENTS.get(event);
      return c.json(handle === undefined ? { ignored: name } : await handle(c, deps, payload), 202);
    },
  );
}

/**
 * Returns the payload after checking GitHub's signature.
 *
 * @throws Refusal 401 if the signature is missing or invalid, 400 if the body is not JSON
 */
async function received(c: Context<Env>, { secrets }: Pick<Deps, 'secrets'>): Promise<unknown> {
  const secret = await secrets.get('GITHUB_WEBHOOK_SECRET');
  const signature = c.req.header('x-hub-signature-256');
  const body = secret && signature ? await readBody(c, BODY_MAX_BYTES) : undefined; // the signature covers the bytes
  if (body === undefined || !isSignedByGithub(body, signature, secret))
    throw new Refusal(
      401,
      'unauthorized',
      'X-Hub-Signature-256 is missing or invalid, or GITHUB_WEBHOOK_SECRET is not set in Firebreak',
    );
  const payload = payloadOf(body, c.req.header('content-type') ?? '');
  if (payload === undefined)
    throw new Refusal(400, 'not-json', 'neither the body nor its form field "payload" is JSON');
  return payload;
}
