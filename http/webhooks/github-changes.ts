import type { Context } from 'hono';
import * as z from 'zod';
import { recordPush } from '../../actions/changes/add-commits.ts';
import { reportChange } from '../../actions/changes/report-change.ts';
import { Refusal } from '../../actions/refusal.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { DeploymentEvent, reportsOfDeployment } from '../../integrations/github/changes.ts';
import {
  PullRequestEvent,
  pullRequestOf,
  PushEvent,
  pushOf,
  ReleaseEvent,
  releaseOf,
} from '../../integrations/github/code.ts';
import type { Env } from '../context.ts';

type Answer = { changes?: string[]; unmapped?: string; ignored?: string; recorded?: string };

/** Records the change of a deployment, or what its status adds to it. */
export async function reportGithubDeployment(c: Context<Env>, deps: Deps, payload: unknown): Promise<Answer> {
  const event = c.req.header('x-github-event') ?? '';
  const parsed = parse(c, DeploymentEvent, payload);
  const delivery = c.req.header('x-github-delivery');
  const changes: string[] = [];
  let unmapped: string | undefined;
  for (const report of reportsOfDeployment(parsed)) {
    const reported = await reportChange(deps, report, c.var.trace);
    if (reported.state === 'recorded') changes.push(...reported.changes.map(({ id }) => id));
    if (reported.state === 'unmapped') unmapped = reported.why;
    c.var.log.info('GitHub reported a deployment', { delivery, event, deployment: report.key, state: reported.state });
  }
  return { changes, ...(unmapped !== undefined && { unmapped }) };
}

/** Keeps the commits of a push, so that deployments of them are known with their commits. */
export async function recordGithubPush(c: Context<Env>, deps: Deps, payload: unknown): Promise<Answer> {
  const push = pushOf(parse(c, PushEvent, payload), deps.clock.now());
  if (push === undefined) return { ignored: 'push: a tag, or the deletion of a branch' };
  await recordPush(deps, push);
  return { recorded: `${push.repository}@${push.after}` };
}

/** Keeps a pull request with its reviews, for the figures of delivery. */
export async function recordGithubPullRequest(c: Context<Env>, deps: Deps, payload: unknown): Promise<Answer> {
  const { repository, number } = await deps.code.pullRequest(pullRequestOf(parse(c, PullRequestEvent, payload)));
  return { recorded: `${repository}#${number}` };
}

export async function recordGithubRelease(c: Context<Env>, deps: Deps, payload: unknown): Promise<Answer> {
  const release = releaseOf(parse(c, ReleaseEvent, payload));
  await deps.code.release(release);
  return { recorded: `${release.repository} ${release.tag}` };
}

/** @throws Refusal 422. GitHub shows it in the list of deliveries, from which the webhook can be delivered again */
function parse<T>(c: Context<Env>, schema: z.ZodType<T>, payload: unknown): T {
  const parsed = schema.safeParse(payload);
  if (parsed.success) return parsed.data;
  throw new Refusal(422, 'invalid', `${c.req.header('x-github-event') ?? ''}: ${z.prettifyError(parsed.error)}`);
}
