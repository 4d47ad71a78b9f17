import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { z } from 'zod';
import { openCluster } from './kubernetes-cluster.ts';
import { checkCanary } from './kubernetes-flagger.ts';
import { webhookChecksum } from './kubernetes-flagger-checksum.ts';
import type { Canary } from './kubernetes-flagger-objects.ts';
import type { Item, World } from './kubernetes-world.ts';
import { check, readJson } from './problem.ts';
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

/**
 * Flagger calls its webhooks during a check, and this stand-in calls nobody. So whoever plays Flagger asks the questions
 * over HTTP, and tells with the check what the answers were.
 */
export function flaggerSandbox(deps: StandInDeps): Hono {
  return new Hono()
    .get('/questions', (c) => {
      const { world } = openCluster(deps);
      return c.json(questions(canaryIn(world, check(Which, c.req.query())).object));
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
  if (item === undefined) throw new HTTPException(404, { message: `there is no Canary ${namespace}/${name}` });
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
