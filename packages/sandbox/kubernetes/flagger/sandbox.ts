import { Hono } from 'hono';
import * as z from 'zod';
import { createObject, RESOURCES } from '../admission.ts';
import { openCluster } from '../cluster.ts';
import { checkCanary } from './flagger.ts';
import { webhookChecksum } from './checksum.ts';
import type { Canary } from './objects.ts';
import type { Item, ClusterObjects } from '../cluster-state.ts';
import { check, problem, readJson, readQuery } from '../../core/problem.ts';
import type { StandInDeps } from '../../core/stand-in.ts';

const CanaryReference = z.object({ namespace: z.string().min(1).default('default'), name: z.string().min(1) });

const CheckIn = z.strictObject({
  ...CanaryReference.shape,
  /** Responses of the canary's webhooks to the requests in `/questions`. */
  answers: z
    .strictObject({
      'confirm-rollout': z.int().optional(),
      'confirm-promotion': z.int().optional(),
      rollback: z.int().optional(),
    })
    .default({}),
  metrics: z.enum(['passed', 'failed']).default('passed'),
});

/** A canary of the Deployment of the same name. Deploys still go to the Deployment. */
const CanaryIn = z.strictObject({ ...CanaryReference.shape, analysis: z.looseObject({}) });

/**
 * Returns the endpoints for Flagger's checks. Flagger calls its webhooks during a check, but this stand-in calls no
 * one. Therefore, the caller sends the webhook requests, and passes the responses with the check.
 */
export function flaggerSandbox(deps: StandInDeps): Hono {
  return new Hono()
    .get('/questions', (c) => {
      const { objects } = openCluster(deps);
      return c.json(pendingWebhooks(canaryIn(objects, readQuery(c, CanaryReference)).object));
    })
    .post('/canary', async (c) => {
      const { name, namespace, analysis } = check(CanaryIn, await readJson(c));
      const cluster = openCluster(deps);
      const resource = RESOURCES.find(({ kind }) => kind === 'Canary');
      if (resource === undefined) throw new Error('the stand-in has no resource for canaries');
      const spec = { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, analysis };
      const object = createObject(cluster.objects, resource, namespace, { metadata: { name }, spec }, cluster.now);
      cluster.save();
      return c.json(object);
    })
    .post('/check', async (c) => {
      const { answers, metrics, ...reference } = check(CheckIn, await readJson(c));
      const cluster = openCluster(deps);
      const item = canaryIn(cluster.objects, reference);
      checkCanary(cluster.objects, item, { answers: definedAnswers(answers), metrics }, cluster.now);
      cluster.save();
      return c.json(item.object);
    });
}

const definedAnswers = ({ rollback, ...gates }: z.infer<typeof CheckIn>['answers']) => ({
  ...(rollback !== undefined && { rollback }),
  ...(gates['confirm-rollout'] !== undefined && { 'confirm-rollout': gates['confirm-rollout'] }),
  ...(gates['confirm-promotion'] !== undefined && { 'confirm-promotion': gates['confirm-promotion'] }),
});

function canaryIn(objects: ClusterObjects, { namespace, name }: z.infer<typeof CanaryReference>): Item<Canary> {
  const item = objects.find<Canary>('Canary', namespace, name);
  if (item === undefined) throw problem(422, `there is no Canary ${namespace}/${name}`);
  return item;
}

/** Phases of a rollout in progress, in which Flagger calls the rollback webhook. */
const ROLLBACK_WEBHOOK_PHASES = ['Progressing', 'WaitingPromotion'];

function pendingWebhooks({ metadata, spec, status }: Canary) {
  const { name, namespace } = metadata;
  const { phase = '' } = status;
  return spec.analysis.webhooks
    .filter(({ type }) => type === 'rollback' && spec.suspend !== true && ROLLBACK_WEBHOOK_PHASES.includes(phase))
    .map(({ type, url, metadata: own }) => ({
      type,
      url,
      body: { name, namespace, phase, checksum: webhookChecksum(status), ...(own && { metadata: own }) },
    }));
}
