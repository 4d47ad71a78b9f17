import { Hono } from 'hono';
import * as z from 'zod';
import { created, RESOURCES } from './kubernetes-admission.ts';
import { openCluster } from './kubernetes-cluster.ts';
import { checkCanary } from './kubernetes-flagger.ts';
import { webhookChecksum } from './kubernetes-flagger-checksum.ts';
import type { Canary } from './kubernetes-flagger-objects.ts';
import type { Item, World } from './kubernetes-world.ts';
import { check, problem, readJson, readQuery } from './problem.ts';
import type { StandInDeps } from './stand-in.ts';

const Which = z.object({ namespace: z.string().min(1).default('default'), name: z.string().min(1) });

const CheckIn = z.strictObject({
  ...Which.shape,
  /** What the canary's hooks answered to the questions that `/questions` shows. */
  answers: z
    .strictObject({
      'confirm-rollout': z.int().optional(),
      'confirm-promotion': z.int().optional(),
      rollback: z.int().optional(),
    })
    .default({}),
  metrics: z.enum(['passed', 'failed']).default('passed'),
});

/** A canary of the Deployment of the same name, to be deployed to as before. */
const CanaryIn = z.strictObject({ ...Which.shape, analysis: z.looseObject({}) });

/**
 * Flagger calls its webhooks during a check, and this stand-in calls nobody. So whoever plays Flagger asks the questions
 * over HTTP, and tells with the check what the answers were.
 */
export function flaggerSandbox(deps: StandInDeps): Hono {
  return new Hono()
    .get('/questions', (c) => {
      const { world } = openCluster(deps);
      return c.json(questions(canaryIn(world, readQuery(c, Which)).object));
    })
    .post('/canary', async (c) => {
      const { name, namespace, analysis } = check(CanaryIn, await readJson(c));
      const cluster = openCluster(deps);
      const resource = RESOURCES.find(({ kind }) => kind === 'Canary');
      if (resource === undefined) throw new Error('canaries are no resource of the cluster');
      const spec = { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, analysis };
      const object = created(cluster.world, resource, namespace, { metadata: { name }, spec }, cluster.now);
      cluster.save();
      return c.json(object);
    })
    .post('/check', async (c) => {
      const { answers, metrics, ...which } = check(CheckIn, await readJson(c));
      const cluster = openCluster(deps);
      const item = canaryIn(cluster.world, which);
      checkCanary(cluster.world, item, { answers: given(answers), metrics }, cluster.now);
      cluster.save();
      return c.json(item.object);
    });
}

const given = ({ rollback, ...gates }: z.infer<typeof CheckIn>['answers']) => ({
  ...(rollback !== undefined && { rollback }),
  ...(gates['confirm-rollout'] !== undefined && { 'confirm-rollout': gates['confirm-rollout'] }),
  ...(gates['confirm-promotion'] !== undefined && { 'confirm-promotion': gates['confirm-promotion'] }),
});

function canaryIn(world: World, { namespace, name }: z.infer<typeof Which>): Item<Canary> {
  const item = world.find<Canary>('Canary', namespace, name);
  if (item === undefined) throw problem(422, `there is no Canary ${namespace}/${name}`);
  return item;
}

/** When it would be asked whether to roll back: while a roll-out is under way. */
const ASKS = ['Progressing', 'WaitingPromotion'];

function questions({ metadata, spec, status }: Canary) {
  const { name, namespace } = metadata;
  const { phase = '' } = status;
  return spec.analysis.webhooks
    .filter(({ type }) => type === 'rollback' && spec.suspend !== true && ASKS.includes(phase))
    .map(({ type, url, metadata: own }) => ({
      type,
      url,
      body: { name, namespace, phase, checksum: webhookChecksum(status), ...(own && { metadata: own }) },
    }));
}
