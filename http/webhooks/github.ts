import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Deps } from '../../domain/ports/deps.ts';
import { GITHUB_API_URL } from '../../integrations/github/rest.ts';
import { gateOf, isSignedByGithub, payloadOf, ProtectionRuleEvent } from '../../integrations/github/webhook.ts';
import type { WaitingGate } from '../../schemas/freeze/waiting-gate.ts';
import { readBody } from '../middleware/body.ts';
import type { Env } from '../context.ts';
import { answers, type Api, endpoint, problems } from '../endpoint.ts';
import { Refusal } from '../../actions/refusal.ts';
import { answerGate } from '../../actions/freeze/gates/answer.ts';

/** GitHub's own limit for webhook payloads. */
const BODY_MAX_BYTES = 25 * 1024 * 1024;

/**
 * How long a webhook waits for the answer. GitHub gives up after 10 seconds; the sweeper answers recorded deployments.
 */
const PATIENCE_MS = 8_000;

const Taken = z
  .object({
    /** The event and action that Firebreak ignores. */
    ignored: z.string().optional(),
    gate: z.string().optional(),
    state: z.enum(['approved', 'rejected', 'waiting', 'over', 'answered_before']).optional(),
  })
  .meta({ id: 'GithubWebhook' });

/**
 * Registers the receiver for signed GitHub webhooks. Answers deployment protection rules.
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
      summary: 'Receive GitHub webhooks, signed with GITHUB_WEBHOOK_SECRET: deployment_protection_rule; ignores others',
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
      if (event !== 'deployment_protection_rule' || action !== 'requested')
        return c.json({ ignored: [event, action].filter(Boolean).join('.') }, 202);
      return c.json(await requested(c, deps, payload), 202);
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

/**
 * Records the deployment first, so that it is answered even if this process fails, and then answers it if time allows.
 */
async function requested(c: Context<Env>, deps: Deps, payload: unknown): Promise<z.infer<typeof Taken>> {
  const parsed = ProtectionRuleEvent.safeParse(payload);
  if (!parsed.success)
    throw new Refusal(422, 'invalid', `deployment_protection_rule: ${z.prettifyError(parsed.error)}`);
  const { gate, calledAt } = gateOf(parsed.data, deps.clock.now());
  const apiUrl = (await deps.secrets.get('GITHUB_API_URL')) ?? GITHUB_API_URL;
  if (new URL(apiUrl).origin !== calledAt)
    c.var.log.warn('a webhook has the API address of another GitHub; Firebreak calls the configured one', {
      named: calledAt,
      configured: apiUrl,
    });
  const kept = await deps.waitingGates.keep(gate);
  const delivery = c.req.header('x-github-delivery');
  if (kept === undefined) {
    c.var.log.info('a webhook repeats a deployment that is already answered', { delivery, gate: gate.id });
    return { gate: gate.id, state: 'answered_before' };
  }
  const state = await inTime(answerGate(deps, kept), (error) => {
    c.var.log.warn('a deployment could not be answered at once; the sweeper tries again', {
      delivery,
      gate: gate.id,
      error: String(error),
    });
  });
  c.var.log.info('a deployment waits for approval by the protection rule', { delivery, ...about(kept), state });
  return { gate: gate.id, state };
}

const about = ({ id, repository, environment, run }: WaitingGate) => ({ gate: id, repository, environment, run });

/**
 * Returns 'waiting' after the time limit or on failure. The work continues in the background, and the sweeper retries
 * it.
 */
async function inTime<T>(work: Promise<T>, failed: (error: unknown) => void): Promise<T | 'waiting'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'waiting'>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS, 'waiting');
  });
  const quiet = work.catch((error: unknown): 'waiting' => {
    failed(error);
    return 'waiting';
  });
  return Promise.race([quiet, late]).finally(() => clearTimeout(timer));
}
