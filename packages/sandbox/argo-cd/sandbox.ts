import type { Hono } from 'hono';
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
import { type Call, exchanges } from '../core/exchanges.ts';
import { problem } from '../core/problem.ts';
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
export function argoSandbox({ now }: StandInDeps, applications: Applications): Hono {
  const requireApplication = ({ param, query }: Call): State => {
    const state = applications.get(param('name'), query['namespace'] ?? ARGOCD_NAMESPACE);
    if (!state) throw problem(422, `there is no application ${param('name')}; create it with PUT`);
    return state;
  };
  /** An exchange that changes an application, with a body in the form of the schema. */
  const changing =
    <T>(schema: z.ZodType<T>, change: (state: State, body: T) => State) =>
    (call: Call) => {
      const state = requireApplication(call);
      return summaryOf(applications.put(change(state, call.given(schema))));
    };
  return exchanges({
    'GET /applications': () => ({ items: applications.all().map(summaryOf), next_cursor: null }),
    'GET /applications/:name': (call) => summaryOf(requireApplication(call)),
    'PUT /applications/:name': ({ param, given }) =>
      summaryOf(applications.put(newApplication(param('name'), given(NewApplication), now()))),
    'POST /applications/:name/deploy': changing(Revision, (state, revision) => deploy(state, revision, now())),
    'POST /applications/:name/commit': changing(Revision, commit),
    'PUT /applications/:name/automated': changing(z.strictObject({ automated: Automated }), (state, { automated }) =>
      setAutomated(state, automated),
    ),
    'PUT /applications/:name/windows': changing(z.array(SyncWindow), (state, windows) => ({ ...state, windows })),
    'PUT /applications/:name/health': changing(z.strictObject({ health: Health }), (state, { health }) => ({
      ...state,
      health: healthOf(health),
    })),
    'POST /applications/:name/image-updater': changing(Registry, updateImages),
    'GET /settings': () => applications.settings(),
    'PUT /settings': ({ given }) => applications.setSettings(given(ArgoSettings)),
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
