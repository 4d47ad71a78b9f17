import { Hono } from 'hono';
import * as z from 'zod';
import { createObject, RESOURCES, updateObject } from './admission.ts';
import { openCluster } from './cluster.ts';
import type { Deployment, ImageUpdateAutomationSpec, KubernetesObject } from './objects.ts';
import { check, problem, readJson } from '../core/problem.ts';
import type { StandInDeps } from '../core/stand-in.ts';

type Automation = KubernetesObject<ImageUpdateAutomationSpec>;

/**
 * One run of the automation `name`: the image that a policy has selected, and the Deployment in whose manifest Flux would
 * write it, because a comment there names the policy.
 */
const Reconcile = z.strictObject({
  namespace: z.string().min(1).default('flux-system'),
  name: z.string().min(1),
  deployment: z.strictObject({ namespace: z.string().min(1).default('default'), name: z.string().min(1) }),
  image: z.string().min(1),
});

const NewAutomation = z.strictObject({ namespace: z.string().min(1).default('flux-system'), name: z.string().min(1) });

/**
 * Returns the endpoints that create an automation, and that run Flux once: the image that a policy has selected is
 * written to Git and applied to the cluster, in one step because there is no repository. A suspended automation does
 * nothing.
 */
export const fluxSandbox = (deps: StandInDeps): Hono =>
  new Hono()
    .post('/automation', async (c) => {
      const { namespace, name } = check(NewAutomation, await readJson(c));
      const { objects, now, save } = openCluster(deps);
      const resource = RESOURCES.find(({ kind }) => kind === 'ImageUpdateAutomation');
      if (resource === undefined) throw new Error('no resource of kind ImageUpdateAutomation');
      const spec = { interval: '1m', sourceRef: { kind: 'GitRepository', name: 'flux-system' } };
      const object = createObject(objects, resource, namespace, { metadata: { name }, spec }, now);
      save();
      return c.json(object);
    })
    .post('/reconcile', async (c) => {
      const { namespace, name, deployment, image } = check(Reconcile, await readJson(c));
      const { objects, now, save } = openCluster(deps);
      const automation = objects.find<Automation>('ImageUpdateAutomation', namespace, name);
      if (automation === undefined) throw problem(422, `there is no ImageUpdateAutomation ${namespace}/${name}`);
      const workload = objects.find<Deployment>('Deployment', deployment.namespace, deployment.name);
      const resource = RESOURCES.find(({ kind }) => kind === 'Deployment');
      if (workload === undefined || resource === undefined)
        throw problem(422, `there is no Deployment ${deployment.namespace}/${deployment.name}`);
      if (automation.object.spec.suspend !== true) {
        const { template } = workload.object.spec;
        const [first, ...others] = template.spec.containers;
        const containers = [{ ...first, name: first?.name ?? deployment.name, image }, ...others];
        const spec = { ...workload.object.spec, template: { ...template, spec: { ...template.spec, containers } } };
        // `main` is everything except for the status subresource.
        updateObject(objects, resource, workload, { json: { ...workload.object, spec }, part: 'main', now });
      }
      save();
      return c.json({ image: workload.object.spec.template.spec.containers[0]?.image });
    });
