import { Hono } from 'hono';
import * as z from 'zod';
import { deploymentId, openDeployments, Revision } from './deployments.ts';
import { rolloutMillis } from './ecs.ts';
import { check, problem, readJson } from '../core/problem.ts';
import type { StandInDeps } from '../core/stand-in.ts';

const NewDeployment = z.strictObject({
  revision: Revision,
  description: z.string().max(256).nullable().default(null),
  creator: z.enum(['user', 'autoscaling']).default('user'),
});

/** A deployment group with its successful deployments, oldest first. */
const GroupState = z.strictObject({
  application: z.string().min(1),
  group: z.string().min(1),
  platform: z.enum(['Server', 'Lambda', 'ECS']).default('Server'),
  auto_rollback: z.boolean().default(false),
  deployments: z.array(NewDeployment).default([]),
});

/** Returns the endpoints for actions of people and pipelines in CodeDeploy. */
export function codeDeploySandbox(deps: StandInDeps): Hono {
  const deployments = openDeployments(deps.db);
  const requireGroup = (application: string, name: string) => {
    deployments.settle({ now: deps.now(), rolloutMs: rolloutMillis(deps) });
    const group = deployments.group(application, name);
    if (!group) throw problem(422, `there is no deployment group ${name} of ${application}`);
    return group;
  };
  const list = () => ({ items: shownDeployments(deps), next_cursor: null });
  return new Hono()
    .get('/deployments', (c) => {
      deployments.settle({ now: deps.now(), rolloutMs: rolloutMillis(deps) });
      return c.json(list());
    })
    .put('/groups', async (c) => {
      const state = check(GroupState, await readJson(c));
      const { application, group: name, platform, auto_rollback } = state;
      const group = { application, name, platform, auto_rollback: auto_rollback ? 1 : 0 } as const;
      deployments.putGroup(group);
      for (const deployment of state.deployments) {
        deployments.begin(group, deployment, { now: deps.now(), rolloutMs: 0 });
        deployments.settle({ now: deps.now(), rolloutMs: 0 });
      }
      return c.json(list());
    })
    .post('/groups/:application/:group/deploy', async (c) => {
      const group = requireGroup(c.req.param('application'), c.req.param('group'));
      const deployment = check(NewDeployment, await readJson(c));
      const { seq } = deployments.begin(group, deployment, { now: deps.now(), rolloutMs: rolloutMillis(deps) });
      return c.json({ id: deploymentId(seq) });
    })
    .post('/groups/:application/:group/fail', (c) => {
      deployments.fail(requireGroup(c.req.param('application'), c.req.param('group')));
      return c.json(list());
    });
}

/** Maximum number of deployments on the page. */
const SHOWN = 20;

/**
 * Returns the newest deployments of each group. Reading does not change the stored state, so deployments that are due
 * are shown as completed.
 */
export const shownDeployments = ({ db, now }: StandInDeps) => {
  const deployments = openDeployments(db);
  return deployments.groups().flatMap((group) =>
    deployments
      .inGroup(group)
      .slice(0, SHOWN)
      .map(({ seq, revision, description, creator, status, failing, ends_at: endsAt }) => ({
        id: deploymentId(seq),
        application: group.application,
        group: group.name,
        revision,
        description,
        creator,
        status: status === 'InProgress' && endsAt <= now() ? (failing === 1 ? 'Failed' : 'Succeeded') : status,
      })),
  );
};
