import type { Context } from 'hono';
import * as z from 'zod';
import { reportChange } from '../../actions/changes/report-change.ts';
import { Refusal } from '../../actions/refusal.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { DeploymentEvent, reportsOfDeployment } from '../../integrations/github/changes.ts';
import type { Env } from '../context.ts';

type Answer = { changes?: string[]; unmapped?: string; ignored?: string };

/** Records the change of a deployment, or what its status adds to it. */
export async function reportGithubDeployment(c: Context<Env>, deps: Deps, payload: unknown): Promise<Answer> {
  const event = c.req.header('x-github-event') ?? '';
  const parsed = DeploymentEvent.safeParse(payload);
  if (!parsed.success) throw new Refusal(422, 'invalid', `${event}: ${z.prettifyError(parsed.error)}`);
  const delivery = c.req.header('x-github-delivery');
  const changes: string[] = [];
  let unmapped: string | undefined;
  for (const report of reportsOfDeployment(parsed.data)) {
    const reported = await reportChange(deps, report, c.var.trace);
    if (reported.state === 'recorded') changes.push(...reported.changes.map(({ id }) => id));
    if (reported.state === 'unmapped') unmapped = reported.why;
    c.var.log.info('GitHub reported a deployment', { delivery, event, deployment: report.key, state: reported.state });
  }
  return { changes, ...(unmapped !== undefined && { unmapped }) };
}
