import { Hono, type Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import * as z from 'zod';
import { apiVersionOf, createObject, nameOfResource, RESOURCES, type Resource, updateObject } from './admission.ts';
import { type Cluster, openCluster } from './cluster.ts';
import type { Deployment, KubernetesObject, Rollout } from './objects.ts';
import { applyPatch } from './patch.ts';
import { type Pod, terminatePod } from './pods.ts';
import { clusterSandbox } from './sandbox.ts';
import { pageOf, readFields } from './lists.ts';
import { type Event, eventsOf, podsOfSets } from './replica-set-pods.ts';
import { readSelector } from './selector.ts';
import { failure, failureResponse } from './status.ts';
import type { Item } from './cluster-state.ts';
import { documentTables } from '../core/exchanges.ts';
import { SANDBOX_TOKEN, type StandIn, type StandInDeps } from '../core/stand-in.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

/**
 * The API server of a cluster with controllers for Deployments, Argo Rollouts, and (one check at a time) Flagger:
 * objects, lists, patches, `scale`, and `status`. Pods of ReplicaSets, and events, can only be read. Every token is accepted as an administrator's. A caller without a
 * token is anonymous.
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/
 */
export const kubernetes = {
  vendor: 'kubernetes',
  tables: documentTables,
  credentialKeys: [],
  settings: (url) => ({ KUBERNETES_URL: url, KUBERNETES_TOKEN: SANDBOX_TOKEN }),
  throttled: () =>
    failureResponse(429, 'too many requests, please try again later', {
      'retry-after': '1',
      'x-kubernetes-pf-flowschema-uid': '4f0f0b1c-0000-4000-8000-000000000000',
    }),
  app(deps) {
    return new Hono()
      .use(async (c, next) => {
        if (/^Bearer \S/.test(c.req.header('authorization') ?? '')) return next();
        return failureResponse(
          403,
          `User "system:anonymous" cannot ${c.req.method.toLowerCase()} path "${c.req.path}"`,
        );
      })
      .get('/version', (c) => c.json({ major: '1', minor: '34', gitVersion: 'v1.34.0' }))
      .route('/api/:version/namespaces/:namespace/:plural', objectRoutes(deps))
      .route('/apis/:group/:version/namespaces/:namespace/:plural', objectRoutes(deps))
      .notFound(() => failureResponse(404, 'the server could not find the requested resource'));
  },
  sandbox: clusterSandbox,
  view: null,
} as const satisfies StandIn;

function objectRoutes(deps: StandInDeps): Hono {
  const inCluster = (work: (request: ResourceRequest) => Response | Promise<Response>) => async (c: Context) => {
    const cluster = openCluster(deps);
    try {
      const request = { c, cluster, resource: requireResource(c), namespace: c.req.param('namespace') ?? '' };
      authorize(request);
      const answer = await work(request);
      if (c.req.query('dryRun') !== 'All') cluster.save();
      return answer;
    } catch (error) {
      if (error instanceof HTTPException) return error.getResponse(); // an error changes nothing
      throw error;
    }
  };
  return new Hono()
    .get('/', inCluster(list))
    .post('/', inCluster(create))
    .get(
      '/:name',
      inCluster((request) => request.c.json(requireObject(request))),
    )
    .patch('/:name', inCluster(patch))
    .delete('/:name', inCluster(remove))
    .patch('/:name/status', inCluster(patchStatus))
    .get(
      '/:name/scale',
      inCluster((request) => request.c.json(scaleOf(request, requireItem(request).object))),
    )
    .patch('/:name/scale', inCluster(patchScale));
}

const VERBS: Readonly<Record<string, string>> = { GET: 'get', POST: 'create', PATCH: 'patch', DELETE: 'delete' };

/** @throws HTTPException 403 if the role of the caller does not allow the request */
function authorize({ c, cluster, resource, namespace }: ResourceRequest): void {
  const { group, plural } = resource;
  const qualified = nameOfResource(resource);
  const name = c.req.param('name');
  const verb = c.req.method === 'GET' && name === undefined ? 'list' : (VERBS[c.req.method] ?? '');
  if (!cluster.objects.settings.denied.includes(`${verb} ${qualified}`)) return;
  const object = name === undefined ? '' : ` "${name}"`;
  throw failure(
    403,
    `${qualified}${object} is forbidden: User "system:serviceaccount:ops:firebreak" cannot ${verb} resource ` +
      `"${plural}" in API group "${group}" in the namespace "${namespace}"`,
  );
}

type ResourceRequest = { c: Context; cluster: Cluster; resource: Resource; namespace: string };

function requireResource(c: Context): Resource {
  const { group = '', version, plural } = c.req.param() as Record<string, string>;
  const found = RESOURCES.find(
    (resource) => resource.group === group && resource.version === version && resource.plural === plural,
  );
  if (!found) throw failure(404, 'the server could not find the requested resource');
  return found;
}

function requireItem({ c, cluster, resource, namespace }: ResourceRequest): Item {
  const name = c.req.param('name') ?? '';
  const item = cluster.objects.find(resource.kind, namespace, name);
  if (!item) throw failure(404, `${nameOfResource(resource)} "${name}" not found`);
  return item;
}

function requireObject(request: ResourceRequest): Event {
  const { c, cluster, resource, namespace } = request;
  const name = c.req.param('name');
  const found = objectsIn(cluster, resource.kind, namespace).find(({ metadata }) => metadata.name === name);
  return found ?? requireItem(request).object;
}

function list({ c, cluster, resource, namespace }: ResourceRequest): Response {
  // A stand-in answers each request at once. Callers read the object instead.
  if (['true', '1'].includes(c.req.query('watch') ?? ''))
    throw failure(405, 'the server does not allow this method on the requested resource');
  const { labelSelector = '', fieldSelector = '', limit, continue: token } = c.req.query();
  const hasLabels = readSelector(labelSelector);
  const hasFields = readFields(resource.kind, fieldSelector);
  const selected = objectsIn(cluster, resource.kind, namespace).filter(
    (object) => hasLabels(object.metadata.labels ?? {}) && hasFields(object),
  );
  const page = pageOf(selected, { limit, token, isSelected: labelSelector !== '' || fieldSelector !== '' });
  const items = page.items.map(({ apiVersion: _version, kind: _kind, ...object }) => object); // lists omit these fields
  const metadata = { resourceVersion: cluster.objects.version(), ...page.metadata };
  return c.json({ kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata, items });
}

/** Returns the objects of a kind, also those that only their controllers write. */
function objectsIn(cluster: Cluster, kind: string, namespace: string): Event[] {
  const stored = cluster.objects.list(kind, namespace).map(({ object }) => object);
  if (kind === 'Pod') return [...stored, ...podsOfSets(cluster, namespace)];
  return kind === 'Event' ? eventsOf(objectsIn(cluster, 'Pod', namespace) as Pod[], cluster) : stored;
}

async function create({ c, cluster, resource, namespace }: ResourceRequest): Promise<Response> {
  return c.json(createObject(cluster.objects, resource, namespace, await bodyOf(c), cluster.now), 201);
}

async function patch(request: ResourceRequest): Promise<Response> {
  const { c, cluster, resource } = request;
  const item = requireItem(request);
  const json = await readPatched(c, item.object);
  return c.json(updateObject(cluster.objects, resource, item, { json, part: 'main', now: cluster.now }));
}

async function patchStatus(request: ResourceRequest): Promise<Response> {
  const { c, cluster, resource } = request;
  const item = requireItem(request);
  if (!resource.hasStatus) throw failure(404, 'the server could not find the requested resource');
  const json = await readPatched(c, item.object);
  return c.json(updateObject(cluster.objects, resource, item, { json, part: 'status', now: cluster.now }));
}

function remove(request: ResourceRequest): Response {
  const { c, cluster } = request;
  const { objects, now } = cluster;
  const item = requireItem(request);
  const { uid } = item.object.metadata;
  if (item.object.kind === 'Pod') return c.json(terminatePod(objects, item as Item<Pod>, now));
  objects.remove(item);
  const isOwned = ({ object }: Item): boolean =>
    object.metadata.ownerReferences?.some((owner) => owner.uid === uid) === true;
  for (const owned of objects.list('ReplicaSet', request.namespace).filter(isOwned)) objects.remove(owned);
  for (const owned of objects.list<Pod>('Pod', request.namespace).filter(isOwned)) terminatePod(objects, owned, now);
  return c.json({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details: { uid } });
}

const ScaleIn = z.object({
  metadata: z.object({ resourceVersion: z.string().optional() }),
  spec: z.object({ replicas: z.int().min(0) }),
});

async function patchScale(request: ResourceRequest): Promise<Response> {
  const { c, cluster, resource } = request;
  const item = requireItem(request);
  const read = ScaleIn.safeParse(await readPatched(c, scaleOf(request, item.object)));
  if (!read.success) throw failure(422, `Scale.autoscaling is invalid: ${inputProblemText(read.error)}`);
  const { resourceVersion } = read.data.metadata;
  const { object } = item;
  const json = {
    ...object,
    metadata: { ...object.metadata, resourceVersion },
    spec: { ...object.spec, replicas: read.data.spec.replicas },
  };
  return c.json(
    scaleOf(request, updateObject(cluster.objects, resource, item, { json, part: 'main', now: cluster.now })),
  );
}

/** @see https://kubernetes.io/docs/reference/kubernetes-api/autoscaling-resources/scale-v1/ */
function scaleOf({ resource }: ResourceRequest, { metadata, spec, status }: KubernetesObject) {
  if (!resource.scales) throw failure(404, 'the server could not find the requested resource');
  const { replicas, selector } = spec as (Deployment | Rollout)['spec'];
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const labels = Object.entries(selector.matchLabels).map((pair) => pair.join('='));
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas },
    status: { replicas: (status as Deployment['status']).replicas ?? 0, selector: labels.join(',') },
  };
}

const readPatched = async (c: Context, object: object): Promise<unknown> =>
  applyPatch(c.req.header('content-type') ?? '', object, await c.req.text());

async function bodyOf(c: Context): Promise<unknown> {
  try {
    return JSON.parse(await c.req.text()) as unknown;
  } catch (error) {
    throw failure(400, `the object provided is unrecognized: ${(error as Error).message}`);
  }
}
