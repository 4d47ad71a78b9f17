import { Hono, type Context } from 'hono';
import * as z from 'zod';
import {
  ARGOCD_NAMESPACE,
  type Applications,
  ArgoSettings,
  Source,
  type Spec,
  type State,
  SyncWindow,
} from './applications.ts';
import { compareWithGit, isAutomated, liveDeployment, addToHistory, kubernetesTime } from './controller.ts';
import { updateImages, Registry, runningImages, setImages } from './image-updater.ts';
import { check, problem, readJson } from '../core/problem.ts';
import type { StandInDeps } from '../core/stand-in.ts';

const Automated = z.union([
  z.boolean(),
  z.strictObject({ prune: z.boolean().optional(), selfHeal: z.boolean().optional(), enabled: z.boolean().optional() }),
]);

/** A revision that is or was on a branch or deployed. */
const Revision = z.strictObject({
  revision: z.string().min(1),
  images: z.array(z.string()).default([]),
  /** The Application's source at the time. Default: the current source. */
  source: Source.optional(),
  by: z.string().min(1).default('alice'),
});
type Revision = z.infer<typeof Revision>;

const NewApplication = z.strictObject({
  namespace: z.string().min(1).default(ARGOCD_NAMESPACE),
  project: z.string().min(1).default('default'),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
  owners: z.array(z.strictObject({ kind: z.string(), name: z.string() })).default([]),
  source: Source.optional(),
  /** Additional fields besides source, project, and sync policy. */
  spec: z.looseObject({}).default({}),
  automated: Automated.default(false),
  sync_options: z.array(z.string()).default([]),
  /** Deployments, oldest first. The last one is running. */
  history: z.array(Revision).min(1),
});

const Health = z.strictObject({ status: z.string().min(1), message: z.string().optional() }).nullable();

/** Returns the endpoints for actions of people in Argo CD, in Git, or in the cluster. */
export function argoSandbox(deps: StandInDeps, applications: Applications): Hono {
  const requireApplication = (c: Context): State => {
    const state = applications.get(c.req.param('name') ?? '', c.req.query('namespace') ?? ARGOCD_NAMESPACE);
    if (!state) throw problem(422, `there is no application ${c.req.param('name') ?? ''}; create it with PUT`);
    return state;
  };
  const store = (c: Context, state: State) => c.json(summaryOf(applications.put(state)));
  return new Hono()
    .get('/applications', (c) => c.json({ items: applications.all().map(summaryOf), next_cursor: null }))
    .get('/applications/:name', (c) => c.json(summaryOf(requireApplication(c))))
    .put('/applications/:name', async (c) =>
      store(c, newApplication(c.req.param('name'), check(NewApplication, await readJson(c)), deps.now())),
    )
    .post('/applications/:name/deploy', async (c) =>
      store(c, deploy(requireApplication(c), check(Revision, await readJson(c)), deps.now())),
    )
    .post('/applications/:name/commit', async (c) =>
      store(c, commit(requireApplication(c), check(Revision, await readJson(c)))),
    )
    .put('/applications/:name/automated', async (c) =>
      store(
        c,
        setAutomated(
          requireApplication(c),
          check(z.strictObject({ automated: Automated }), await readJson(c)).automated,
        ),
      ),
    )
    .put('/applications/:name/windows', async (c) =>
      store(c, { ...requireApplication(c), windows: check(z.array(SyncWindow), await readJson(c)) }),
    )
    .put('/applications/:name/health', async (c) =>
      store(c, {
        ...requireApplication(c),
        health: healthOf(check(z.strictObject({ health: Health }), await readJson(c)).health),
      }),
    )
    .post('/applications/:name/image-updater', async (c) =>
      store(c, updateImages(requireApplication(c), check(Registry, await readJson(c)))),
    )
    .get('/settings', (c) => c.json(applications.settings()))
    .put('/settings', async (c) => {
      applications.setSettings(check(ArgoSettings, await readJson(c)));
      return c.json(applications.settings());
    });
}

const healthOf = (health: z.infer<typeof Health>): State['health'] =>
  health && { status: health.status, ...(health.message !== undefined && { message: health.message }) };

const summaryOf = (state: State) => ({
  namespace: state.namespace,
  name: state.name,
  project: state.spec.project,
  automated: isAutomated(state),
  running: liveDeployment(state)?.revision ?? null,
  head: state.head,
  operation: state.operation?.sync.revision ?? null,
  images: runningImages(state),
  set_images: setImages(state.spec.source),
});

function newApplication(name: string, requested: z.infer<typeof NewApplication>, now: number): State {
  const {
    history,
    source: given,
    project,
    sync_options: syncOptions,
    spec,
    automated: requestedAutomated,
    ...rest
  } = requested;
  const source = given ?? { repoURL: `https://git.example.com/${name}.git`, path: 'deploy', targetRevision: 'main' };
  const empty: State = {
    ...rest,
    name,
    version: 0,
    spec: {
      destination: { server: 'https://kubernetes.default.svc', namespace: name },
      ...spec,
      source,
      project,
      syncPolicy: syncOptions.length > 0 ? { syncOptions } : {},
    } satisfies Spec,
    head: '',
    known: '',
    comparedAt: now,
    history: [],
    images: {},
    operation: null,
    operationState: null,
    healthyAt: now,
    health: null,
    windows: [],
  };
  return setAutomated(
    history.reduce((state, each) => deploy(state, each, now), empty),
    requestedAutomated,
  );
}

/** Commits a revision and syncs it on behalf of a person, in one step. */
function deploy(state: State, { revision, images, source = state.spec.source, by }: Revision, now: number): State {
  const initiatedBy = { username: by };
  const entry = {
    id: (liveDeployment(state)?.id ?? -1) + 1,
    revision,
    source,
    deployStartedAt: kubernetesTime(now),
    deployedAt: kubernetesTime(now),
    initiatedBy,
  };
  return {
    ...addToHistory(compareWithGit({ ...state, head: revision }, now), entry),
    spec: { ...state.spec, source },
    images: { ...state.images, [revision]: images },
    operation: null,
    operationState: {
      operation: { sync: { revision }, initiatedBy },
      phase: 'Succeeded',
      message: 'successfully synced (all tasks run)',
      startedAt: kubernetesTime(now),
      finishedAt: kubernetesTime(now),
      syncResult: { revision, source, resources: [] },
    },
  };
}

/** Commits a revision to Git only. Argo CD finds it at its next comparison. */
const commit = (state: State, { revision, images }: Revision): State => ({
  ...state,
  head: revision,
  images: { ...state.images, [revision]: images },
});

function setAutomated(state: State, requestedAutomated: z.infer<typeof Automated>): State {
  const { automated: _before, ...policy } = state.spec.syncPolicy ?? {};
  const on = requestedAutomated === true ? {} : requestedAutomated;
  const set = on && {
    automated: {
      ...(on.prune !== undefined && { prune: on.prune }),
      ...(on.selfHeal !== undefined && { selfHeal: on.selfHeal }),
      ...(on.enabled !== undefined && { enabled: on.enabled }),
    },
  };
  return { ...state, spec: { ...state.spec, syncPolicy: { ...policy, ...set } } };
}
