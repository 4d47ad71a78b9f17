import * as z from 'zod';
import type { ChangeReport } from '../../schemas/changes/change-report.ts';
import { type ChangeStatus, WrittenStatus } from '../../schemas/changes/change.ts';
import { Version } from '../../schemas/config/names.ts';
import { WrittenInstant } from '../../schemas/time/time.ts';

const Name = z.string().min(1).max(256);
const Address = z.string().max(2048).nullish();

export const GitlabProject = z.object({ path_with_namespace: Name });

/**
 * The webhook about a deployment.
 *
 * @see https://docs.gitlab.com/user/project/integrations/webhook_events/#deployment-events
 */
export const DeploymentEvent = z.object({
  object_kind: z.literal('deployment'),
  status: z.string().max(64),
  status_changed_at: WrittenInstant,
  deployment_id: z.number().int(),
  deployable_url: Address,
  environment: Name,
  project: GitlabProject,
  ref: z.string().max(1024).nullish(),
  short_sha: Name,
  commit_url: Address,
  user: z.object({ username: Name }).nullish(),
});
export type DeploymentEvent = z.infer<typeof DeploymentEvent>;

/** Returns the status of a change. Undefined: the deployment waits, such as for an approval or a runner, or GitLab has added the status since. */
const statusOf = ({ status }: Pick<DeploymentEvent, 'status'>): ChangeStatus | undefined =>
  WrittenStatus.safeParse(status).data;

/** Returns whether the event says that the deployment has started or ended. */
export const isStartOrEnd = (event: Pick<DeploymentEvent, 'status'>): boolean => statusOf(event) !== undefined;

export function reportsOfDeployment(event: DeploymentEvent): ChangeReport[] {
  const { project, deployment_id: id, status_changed_at: at, environment, deployable_url: url, user } = event;
  const status = statusOf(event);
  // The payload has the whole commit only in this address.
  const commit = /\/commit\/([0-9a-f]{40,64})$/.exec(event.commit_url ?? '')?.[1] ?? event.short_sha;
  return [
    {
      source: 'gitlab',
      key: `deployment ${id}`, // unique at GitLab; the project can be renamed
      at,
      subject: { repository: project.path_with_namespace, environment },
      version: Version.parse(commit),
      commit,
      ...(status && { status }),
      ...(status === 'started' && { started_at: at }),
      ...(user && { author: user.username }),
      ...(url != null && /^https?:\/\//.test(url) && { url }),
    },
  ];
}
