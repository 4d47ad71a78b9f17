import { Hono, type Context } from 'hono';
import * as z from 'zod';
import { type Actions, type Attempt, newestAttempt, type Run } from './actions.ts';
import { deploymentJson } from './actions-json.ts';
import { errorResponse, LOGIN, notFound, originOf, readBody, repositoryOf, isoSeconds } from './answers.ts';
import { openDeployments } from './deployments.ts';
import type { StandInDeps } from '../core/stand-in.ts';

/**
 * Maximum status reports of a deployment, and maximum characters of each.
 *
 * @see
 *   https://docs.github.com/en/actions/how-tos/deploy/configure-and-manage-deployments/create-custom-protection-rules
 *   (read 2026-11)
 */
const REPORTS_MAX = 10;
const COMMENT_MAX_CHARS = 1024;

const DAY_MS = 24 * 3_600_000;

/** ID of the installation of the only app, which has the deployment protection rule. */
export const INSTALLATION_ID = 375_706;

/** The body of a review: a state, a comment, or both. */
const Review = z
  .object({
    environment_name: z.string(),
    state: z.enum(['approved', 'rejected']).optional(),
    comment: z
      .string()
      .max(COMMENT_MAX_CHARS, `comment is too long (maximum is ${COMMENT_MAX_CHARS} characters)`)
      .optional(),
  })
  .refine(({ state, comment }) => state !== undefined || comment !== undefined, "comment wasn't supplied.");

/** Returns whether an attempt waits for the protection rule: it doesn't wait for a person, and has not ended. */
const isWaiting = (attempt: Attempt): boolean => !attempt.hasEnded && attempt.ends_at === null && attempt.isProtected;

/**
 * Route below `/repos/:owner/:repo/actions` for the app's response to a pending deployment.
 *
 * @see
 *   https://docs.github.com/en/rest/actions/workflow-runs#review-custom-deployment-protection-rules-for-a-workflow-run
 *   (read 2026-11)
 */
export function reviewRoutes({ now }: StandInDeps, actions: Actions): Hono {
  return new Hono().post('/runs/:id{[0-9]+}/deployment_protection_rule', async (c) => {
    const run = actions.run(repositoryOf(c), Number(c.req.param('id')));
    if (!run) return notFound(c);
    const read = await readBody(c, Review);
    if ('refusal' in read) return read.refusal;
    const { environment_name: environment, state, comment = '' } = read.body;
    const attempt = newestAttempt(run);
    if (environment.toLowerCase() !== run.environment.toLowerCase() || !isWaiting(attempt))
      return errorResponse(c, 422, `No custom deployment protection rule of this app is pending for ${environment}`);
    if (state === undefined && attempt.reports.length >= REPORTS_MAX)
      return errorResponse(c, 422, `At most ${REPORTS_MAX} status reports can be added to a deployment`);
    const at = now();
    if (state === undefined) actions.report(run, comment);
    if (state === 'approved') actions.approve(run, at);
    if (state === 'rejected') actions.end(run, 'failure', at);
    return c.body(null, 204);
  });
}

type Delivery = { id: number; run: Run; attempt: Attempt };

/** Returns a stable ID for a run and an attempt. */
const deliveryId = ({ id }: Run, { attempt }: Attempt): number => id * 1000 + attempt;

/**
 * Routes below `/app/hook`: the webhook deliveries to the app. The stand-in sends no webhooks; clients fetch the
 * deliveries and deliver them.
 *
 * @see https://docs.github.com/en/rest/apps/webhooks (read 2026-11)
 */
export function deliveryRoutes({ db, now }: StandInDeps, actions: Actions): Hono {
  const allDeliveries = (): Delivery[] =>
    actions
      .all()
      .flatMap((run) => run.attempts.map((attempt) => ({ id: deliveryId(run, attempt), run, attempt })))
      .filter(({ attempt }) => attempt.isProtected && attempt.started_at > now() - 3 * DAY_MS)
      .toSorted((one, other) => other.id - one.id);
  return new Hono()
    .get('/deliveries', (c) => c.json(allDeliveries().map(summary)))
    .get('/deliveries/:id{[0-9]+}', (c) => {
      const delivery = allDeliveries().find(({ id }) => id === Number(c.req.param('id')));
      if (!delivery) return notFound(c);
      const { run, attempt } = delivery;
      const deployment = openDeployments(db).byId(run.repository, attempt.deployment);
      const headers = {
        'X-GitHub-Event': 'deployment_protection_rule',
        'X-GitHub-Delivery': guidOf(delivery),
        'Content-Type': 'application/json',
      };
      const payload = requestedJson(c, run, deployment === undefined ? {} : deploymentJson(originOf(c), deployment));
      return c.json({ ...summary(delivery), request: { headers, payload } });
    });
}

const summary = (delivery: Delivery): object => ({
  id: delivery.id,
  guid: guidOf(delivery),
  delivered_at: isoSeconds(delivery.attempt.started_at),
  redelivery: false,
  status: 'Invalid HTTP Response: 502', // the webhook was not delivered
  status_code: 502,
  event: 'deployment_protection_rule',
  action: 'requested',
  installation_id: INSTALLATION_ID,
});

const guidOf = ({ id }: Delivery): string => `72d3162e-cc78-11e3-81ab-${id.toString(16).padStart(12, '0')}`;

/** @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment_protection_rule (read 2026-11) */
function requestedJson(c: Context, run: Run, deployment: object): object {
  const [owner = '', name = ''] = run.repository.split('/');
  const repository = `${originOf(c)}/repos/${run.repository}`;
  return {
    action: 'requested',
    environment: run.environment,
    event: run.event,
    deployment_callback_url: `${repository}/actions/runs/${run.id}/deployment_protection_rule`,
    deployment,
    pull_requests: [],
    repository: { name, full_name: run.repository, owner: { login: owner }, url: repository },
    sender: { login: LOGIN },
    installation: { id: INSTALLATION_ID },
  };
}
