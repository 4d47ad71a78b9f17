import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Deps } from '../../domain/ports.ts';
import { GITHUB_API_URL } from '../../integrations/github/rest.ts';
import type { WaitingGate } from '../../schemas/waiting-gate.ts';
import { readBody } from '../api/body.ts';
import type { Env } from '../api/context.ts';
import { answers, type Api, endpoint, problems } from '../api/endpoint.ts';
import { Refusal } from '../api/problem.ts';
import { answerGate } from '../freeze/gates/answer.ts';
import { gateOf, Requested } from './github-gate.ts';
import { isSignedByGithub, payloadOf } from './github-payload.ts';

/** GitHub sends no larger ones. */
const BODY_MAX_BYTES = 25 * 1024 * 1024;

/** GitHub gives up after ten seconds. What is on record by then is answered by the sweeper all the same. */
const PATIENCE_MS = 8_000;

const Taken = z
  .object({
    /** What was not of interest. */
    ignored: z.string().optional(),
    gate: z.string().optional(),
    state: z.enum(['approved', 'rejected', 'waiting', 'over', 'answered_before']).optional(),
  })
  .meta({ id: 'GithubWebhook' });

/**
 * Webhooks of GitHub, signed. Of a deployment that a protection rule holds back it is said whether it may go on.
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
      summary: 'Webhooks of GitHub, signed with GITHUB_WEBHOOK_SECRET: deployment_protection_rule; others are ignored',
      responses: {
        202: answers('Taken, or of no interest', Taken),
        400: problems('Not JSON'),
        413: problems('Over 25 MB'),
        422: problems('Not of the form of its event'),
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

/** The payload, once it is sure that GitHub has sent it. */
async function received(c: Context<Env>, { secrets }: Pick<Deps, 'secrets'>): Promise<unknown> {
  const secret = await secrets.get('GITHUB_WEBHOOK_SECRET');
  const signature = c.req.header('x-hub-signature-256');
  const body = secret && signature ? await readBody(c, BODY_MAX_BYTES) : undefined; // the signature covers the bytes
  if (body === undefined || !isSignedByGithub(body, signature, secret))
    throw new Refusal(
      401,
      'unauthorized',
      'X-Hub-Signature-256 is missing or does not fit, or GITHUB_WEBHOOK_SECRET is not set here',
    );
  const payload = payloadOf(body, c.req.header('content-type') ?? '');
  if (payload === undefined)
    throw new Refusal(400, 'not-json', 'the body holds no JSON, neither whole nor as "payload"');
  return payload;
}

/** On record first, so that it is answered whatever becomes of this process; then answered, if that is quick. */
async function requested(c: Context<Env>, deps: Deps, payload: unknown): Promise<z.infer<typeof Taken>> {
  const parsed = Requested.safeParse(payload);
  if (!parsed.success)
    throw new Refusal(422, 'invalid', `deployment_protection_rule: ${z.prettifyError(parsed.error)}`);
  const { gate, calledAt } = gateOf(parsed.data, deps.clock.now());
  const apiUrl = (await deps.secrets.get('GITHUB_API_URL')) ?? GITHUB_API_URL;
  if (new URL(apiUrl).origin !== calledAt)
    c.var.log.warn('a webhook names another GitHub than the one that is configured, which is called', {
      named: calledAt,
      configured: apiUrl,
    });
  const kept = await deps.waitingGates.keep(gate);
  const delivery = c.req.header('x-github-delivery');
  if (kept === undefined) {
    c.var.log.info('a deployment was answered before', { delivery, gate: gate.id });
    return { gate: gate.id, state: 'answered_before' };
  }
  const state = await inTime(answerGate(deps, kept), (error) => {
    c.var.log.warn('a deployment is answered later', { delivery, gate: gate.id, error: String(error) });
  });
  c.var.log.info('a deployment asks to go on', { delivery, ...about(kept), state });
  return { gate: gate.id, state };
}

const about = ({ id, repository, environment, run }: WaitingGate) => ({ gate: id, repository, environment, run });

/** What takes longer, or fails, waits: it goes on, and the sweeper looks after it. */
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
