import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { recordPush } from '../../actions/changes/add-commits.ts';
import { reportChange } from '../../actions/changes/report-change.ts';
import { recordPipelineRun } from '../../actions/delivery/record-pipeline-run.ts';
import { Refusal } from '../../actions/refusal.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { DeploymentEvent, reportsOfDeployment } from '../../integrations/gitlab/changes.ts';
import { MergeRequestEvent, mergeRequestOf, PushEvent, pushOf } from '../../integrations/gitlab/code.ts';
import { JobEvent, PipelineEvent, reportOfGitlabJob, reportOfPipeline } from '../../integrations/gitlab/pipelines.ts';
import { isFromGitlab } from '../../integrations/gitlab/webhook.ts';
import type { PipelineRunReport } from '../../schemas/delivery/pipeline-run.ts';
import type { Env } from '../context.ts';
import { answers, type Api, endpoint, problems } from '../endpoint.ts';
import { readBody } from '../middleware/body.ts';

/** GitLab's own limit for webhook payloads. */
const BODY_MAX_BYTES = 25 * 1024 * 1024;

const Taken = z
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

type Handle = (c: Context<Env>, deps: Deps, payload: unknown) => Promise<z.infer<typeof Taken>>;

/** What is done with each event, by its `object_kind`. Other events are ignored. */
const EVENTS: ReadonlyMap<string, Handle> = new Map<string, Handle>([
  ['deployment', reportDeployment],
  ['push', recordGitlabPush],
  ['merge_request', recordMergeRequest],
  ['pipeline', reportPipeline],
  ['build', reportJob],
]);

/** Registers the receiver for GitLab webhooks. */
export function gitlabRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'receiver',
    createRoute({
      method: 'post',
      path: '/integrations/gitlab/webhook',
      tags: ['integrations'],
      summary:
        'Receive GitLab webhooks, signed with GITLAB_WEBHOOK_SECRET or with it as secret token: deployment, push, merge_request, pipeline, build; ignores others',
      responses: {
        202: answers('Accepted or ignored', Taken),
        400: problems('Not JSON'),
        413: problems('Larger than 25 MiB'),
        422: problems('The payload does not match its event type'),
      },
    }),
    async (c) => {
      const payload = await received(c, deps);
      const kind = z.object({ object_kind: z.string() }).safeParse(payload).data?.object_kind ?? 'no event';
      const handle = EVENTS.get(kind);
      return c.json(handle === undefined ? { ignored: kind } : await handle(c, deps, payload), 202);
    },
  );
}

/** @throws Refusal 401 without a valid signature or token, 400 if the body is not JSON */
async function received(c: Context<Env>, { secrets, clock }: Pick<Deps, 'secrets' | 'clock'>): Promise<unknown> {
  const secret = await secrets.get('GITLAB_WEBHOOK_SECRET');
  const header = (name: string) => c.req.header(name);
  const hasProof = header('x-gitlab-token') !== undefined || header('webhook-signature') !== undefined;
  const body = secret && hasProof ? await readBody(c, BODY_MAX_BYTES) : undefined; // the signature covers the bytes
  if (body === undefined || !isFromGitlab(body, header, secret, clock.now()))
    throw new Refusal(
      401,
      'unauthorized',
      'the webhook-signature or X-Gitlab-Token is missing or invalid, or GITLAB_WEBHOOK_SECRET is not set in Firebreak',
    );
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch {
    throw new Refusal(400, 'not-json', 'the body is not JSON');
  }
}

async function reportDeployment(c: Context<Env>, deps: Deps, payload: unknown): Promise<z.infer<typeof Taken>> {
  const changes: string[] = [];
  let unmapped: string | undefined;
  for (const report of reportsOfDeployment(parse(DeploymentEvent, payload))) {
    const reported = await reportChange(deps, report, c.var.trace);
    if (reported.state === 'recorded') changes.push(...reported.changes.map(({ id }) => id));
    if (reported.state === 'unmapped') unmapped = reported.why;
    const event = c.req.header('x-gitlab-event-uuid');
    c.var.log.info('GitLab reported a deployment', { event, deployment: report.key, state: reported.state });
  }
  return { changes, ...(unmapped !== undefined && { unmapped }) };
}

async function recordGitlabPush(_c: Context<Env>, deps: Deps, payload: unknown): Promise<z.infer<typeof Taken>> {
  const push = pushOf(parse(PushEvent, payload), deps.clock.now());
  if (push === undefined) return { ignored: 'push: the deletion of a branch' };
  await recordPush(deps, push);
  return { recorded: `${push.repository}@${push.after}` };
}

async function recordMergeRequest(_c: Context<Env>, deps: Deps, payload: unknown): Promise<z.infer<typeof Taken>> {
  const { repository, number } = await deps.code.pullRequest(mergeRequestOf(parse(MergeRequestEvent, payload)));
  return { recorded: `${repository}!${number}` };
}

async function reportPipeline(_c: Context<Env>, deps: Deps, payload: unknown): Promise<z.infer<typeof Taken>> {
  return reportRun(deps, reportOfPipeline(parse(PipelineEvent, payload)));
}

async function reportJob(_c: Context<Env>, deps: Deps, payload: unknown): Promise<z.infer<typeof Taken>> {
  const report = reportOfGitlabJob(parse(JobEvent, payload));
  return report === undefined ? { ignored: 'build: a job that has not started' } : reportRun(deps, report);
}

async function reportRun(deps: Deps, report: PipelineRunReport): Promise<z.infer<typeof Taken>> {
  const { id, service, repository } = (await recordPipelineRun(deps, report)).run;
  if (service !== null) return { pipeline_run: id };
  return { pipeline_run: id, unmapped: `no single service of the catalogue has the repository ${repository}` };
}

/** @throws Refusal 422. GitLab shows it among the recent events of the webhook, from which it can be sent again */
function parse<T>(schema: z.ZodType<T>, payload: unknown): T {
  const parsed = schema.safeParse(payload);
  if (parsed.success) return parsed.data;
  throw new Refusal(422, 'invalid', z.prettifyError(parsed.error));
}
