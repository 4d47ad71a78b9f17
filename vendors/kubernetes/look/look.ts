import * as z from 'zod';
import type { LookRequest, LookResponse, LookTarget } from '../../../core/domain/rollback/targets.ts';
import { type Ending, refuse, retryLater } from '../../shared/refusals.ts';
import { fromVersion } from '../../shared/versions.ts';
import { LOOK_KEY } from '../annotations.ts';
import { attempt, type Calls } from '../attempt.ts';
import { type Pod, Pods, type PodTemplate, Services, type Workload } from '../objects.ts';
import { type Marks, ownReplicaSets, revisionOf, templateOf } from '../revisions.ts';
import { isVersion, nameOf, versionsOf } from '../versions.ts';
import { attemptOn, patchWithKey, refuseInvalidName, type WorkloadTarget } from '../workload.ts';
import { instanceOf } from './instance.ts';
import {
  instanceTemplate,
  LOOK_LABEL,
  lookHash,
  lookName,
  refuseStateful,
  type Role,
  ROLE_LABEL,
  ROLES,
  servicesOf,
} from './template.ts';

/** What the instances of a look are created as. `path`: of the collection. Objects are created in this order. */
export type LookObjects = {
  path: string;
  /** Set if a controller creates the pods, and not at once. */
  isControlled?: true;
  names(request: LookRequest): string[];
  bodies(templates: Record<Role, PodTemplate>, request: LookRequest, workload: Workload): object[];
};

/** A workload, as far as looks depend on its kind. */
export type LookKind<T extends Workload> = {
  target: WorkloadTarget<T>;
  marks: Marks;
  /** The pod template of the current version. @throws Ended if a look of this workload is not possible */
  templateIn(workload: T): PodTemplate;
  objects: LookObjects;
};

/** Only checks whether the server would accept a call: permissions, quotas, and policies. */
const DRY_RUN = 'dryRun=All';

/** How far a look is, in the annotation of its workload. Absent: not started. */
type Progress = 'starting' | 'started' | 'ended';

/**
 * Creates the controlled looks of a workload. Its annotation says whether the instances of a key were started, so they are never
 * started again after another system has removed them.
 */
export function lookTarget<T extends Workload>(kind: LookKind<T>): LookTarget {
  const { target, objects } = kind;
  return {
    plan: (request) =>
      orRefused(
        attemptOn(target, async (calls, workload): Promise<Superseded | Possible> => {
          const current = supersededBy(kind, workload, request);
          if (current !== undefined) return { kind: 'superseded', current };
          await refuseOtherLook(kind, calls, workload, request);
          const bodies = await bodiesOf(kind, calls, workload, request);
          await podsOf(kind, calls, request);
          for (const body of bodies) await calls.create(objects.path, DRY_RUN, body, ANYTHING);
          await removeObjects(kind, calls, request, DRY_RUN);
          return { kind: 'possible', replicas: workload.status.availableReplicas };
        }),
      ),
    start: (request) =>
      orRefused(
        attemptOn(target, async (calls, workload): Promise<Superseded | Running> => {
          const progress = progressOf(workload, request);
          if (progress === 'ended') return lookOf(kind, calls, request, progress);
          const current = supersededBy(kind, workload, request);
          if (current !== undefined) return { kind: 'superseded', current };
          if (progress !== 'started') await startInstances(kind, calls, workload, request);
          return lookOf(kind, calls, request, 'started');
        }),
      ),
    read: (request) =>
      orRefused(
        attemptOn(target, async (calls, workload) => lookOf(kind, calls, request, progressOf(workload, request))),
      ),
    end: (request) =>
      orRefused(
        attempt(target.cluster, async (calls): Promise<Running> => {
          refuseInvalidName(target);
          const workload = await calls.find(target.path, target.schema);
          // Also marks a look that was not started: an earlier attempt to start it may still be on its way.
          if (workload !== undefined && progressOf(workload, request) !== 'ended' && !otherLookIn(workload, request))
            await markEnded(kind, calls, request);
          await removeObjects(kind, calls, request, '');
          const left = await podsOf(kind, calls, request);
          return { kind: left.length === 0 ? 'gone' : 'ending' };
        }),
      ),
  };
}

type Possible = { kind: 'possible'; replicas: number };
type Superseded = Extract<LookResponse, { kind: 'superseded' }>;
type Running = Extract<LookResponse, { kind: 'running' | 'ending' | 'gone' }>;

/** Returns the answer of an attempt. Only `refused` and `later` end one here. */
async function orRefused<A extends { kind: string }>(
  pending: Promise<A | Ending>,
): Promise<A | Extract<Ending, { kind: 'refused' | 'later' }>> {
  const answer = await pending;
  const isOther = (answer.kind === 'failed' || answer.kind === 'busy') && 'detail' in answer;
  return isOther ? { kind: 'refused', detail: answer.detail } : (answer as A);
}

/** Creates both instances, unless an earlier attempt has. */
async function startInstances<T extends Workload>(
  kind: LookKind<T>,
  calls: Calls,
  workload: T,
  request: LookRequest,
): Promise<void> {
  await refuseOtherLook(kind, calls, workload, request);
  const bodies = await bodiesOf(kind, calls, workload, request);
  const isStarting = progressOf(workload, request) === 'starting';
  const marked = isStarting ? workload : await mark(kind, calls, workload, request, 'starting');
  for (const body of bodies) await calls.create(kind.objects.path, '', body, ANYTHING);
  await mark(kind, calls, marked, request, 'started');
}

/** What was created is listed with the other pods. */
const ANYTHING = z.unknown();

const markOf = ({ metadata }: Workload): { key: string; progress: Progress } | undefined => {
  const [key, progress] = (metadata.annotations[LOOK_KEY] ?? '').split(' ');
  return key && progress ? { key, progress: progress as Progress } : undefined;
};

function progressOf(workload: Workload, { key }: LookRequest): Progress | undefined {
  const marked = markOf(workload);
  return marked?.key === key ? marked.progress : undefined;
}

/** Returns the key of another look of the workload that has not ended. */
function otherLookIn(workload: Workload, { key }: LookRequest): string | undefined {
  const marked = markOf(workload);
  return marked === undefined || marked.key === key || marked.progress === 'ended' ? undefined : marked.key;
}

/** @throws Ended if instances of another look exist: they would share the traffic, and one mark is not enough for both */
async function refuseOtherLook<T extends Workload>(
  kind: LookKind<T>,
  calls: Calls,
  workload: T,
  request: LookRequest,
): Promise<void> {
  const key = otherLookIn(workload, request);
  if (key !== undefined && (await podsOf(kind, calls, { key })).length > 0)
    throw refuse(`another controlled look of it is running (${key})`);
}

/** Returns the workload with the mark. A change in between is a conflict, so of two attempts only one goes on. */
const mark = async <T extends Workload>(
  { target }: LookKind<T>,
  calls: Calls,
  workload: T,
  { key }: LookRequest,
  progress: Exclude<Progress, 'ended'>,
): Promise<T> =>
  calls.patch(target.path, 'merge', patchWithKey(workload, LOOK_KEY, `${key} ${progress}`, {}), target.schema);

/** Marks the look at any state of the workload: its status changes often during a rollout. */
const markEnded = async <T extends Workload>({ target }: LookKind<T>, calls: Calls, { key }: LookRequest): Promise<T> =>
  calls.patch(target.path, 'merge', { metadata: { annotations: { [LOOK_KEY]: `${key} ended` } } }, target.schema);

/** Returns the version that runs instead of the suspect. */
function supersededBy<T extends Workload>(
  { target, templateIn }: LookKind<T>,
  workload: T,
  request: LookRequest,
): string | undefined {
  const versions = versionsOf(templateIn(workload), target.container);
  return isVersion(versions, fromVersion(request)) ? undefined : nameOf(versions);
}

/** @throws Ended if fresh instances of the two versions are not possible, or would get no traffic */
async function bodiesOf<T extends Workload>(
  { target, marks, templateIn, objects }: LookKind<T>,
  calls: Calls,
  workload: T,
  request: LookRequest,
): Promise<object[]> {
  const { namespace, name, container } = target;
  const title = `${target.kind} ${namespace}/${name}`;
  const suspect = templateIn(workload);
  const sets = await ownReplicaSets(calls, namespace, workload);
  const other = templateOf(revisionOf(sets, request, { marks, container }), marks);
  for (const template of [suspect, other]) refuseStateful(template, title);
  const { items } = await calls.get(`/api/v1/namespaces/${namespace}/services`, Services);
  const services = servicesOf(
    items.map(({ metadata, spec }) => ({ name: metadata.name, selector: spec.selector ?? {} })),
    [suspect, other],
    { hash: marks.hash, workload: title },
  );
  const templates = {
    suspect: instanceTemplate(suspect, { role: 'suspect', request, services }),
    other: instanceTemplate(other, { role: 'other', request, services }),
  };
  return objects.bodies(templates, request, workload);
}

async function podsOf<T extends Workload>(
  { target }: LookKind<T>,
  calls: Calls,
  request: Pick<LookRequest, 'key'>,
): Promise<Pod[]> {
  const query = new URLSearchParams({ labelSelector: `${LOOK_LABEL}=${lookHash(request)}` });
  return (await calls.get(`/api/v1/namespaces/${target.namespace}/pods?${query.toString()}`, Pods)).items;
}

async function removeObjects<T extends Workload>(
  { objects }: LookKind<T>,
  calls: Calls,
  request: LookRequest,
  query: string,
): Promise<void> {
  for (const name of objects.names(request)) await calls.remove(`${objects.path}/${name}`, query);
}

async function lookOf<T extends Workload>(
  kind: LookKind<T>,
  calls: Calls,
  request: LookRequest,
  progress: Progress | undefined,
): Promise<Running> {
  const pods = await podsOf(kind, calls, request);
  if (progress === 'ended' || progress === undefined) return { kind: pods.length === 0 ? 'gone' : 'ending' };
  const isWithout = (role: Role): boolean => pods.every(({ metadata }) => metadata.labels[ROLE_LABEL] !== role);
  if (ROLES.some(isWithout)) await waitForController(kind, calls, request);
  if (pods.length === 0) return { kind: 'gone' };
  const instance = (role: Role) =>
    instanceOf(
      pods.find(({ metadata }) => metadata.labels[ROLE_LABEL] === role),
      podName(kind.target.name, request, role),
    );
  return { kind: 'running', suspect: instance('suspect'), other: instance('other') };
}

/** @throws Ended while the controller may still create a pod: a quota can prevent it, which says nothing about a version */
async function waitForController<T extends Workload>(
  { objects }: LookKind<T>,
  calls: Calls,
  request: LookRequest,
): Promise<void> {
  if (objects.isControlled === undefined) return;
  for (const name of objects.names(request)) {
    const found = await calls.find(`${objects.path}/${name}`, Controlled);
    if (found !== undefined && found.status.phase === 'Pending')
      throw retryLater(`the controller of ${name} has not created both pods`);
  }
}

const Controlled = z.object({ status: z.object({ phase: z.string().default('Pending') }).prefault({}) });

const podName = (workload: string, request: LookRequest, role: Role): string =>
  `${lookName(workload, request)}-${role}`;

/** Returns bare pods: no controller replaces them, and they end at their deadline without Firebreak. */
export function barePods({ namespace, name }: WorkloadTarget<Workload>): LookObjects {
  return {
    path: `/api/v1/namespaces/${namespace}/pods`,
    names: (request) => ROLES.map((role) => podName(name, request, role)),
    // The old version first: if there is room for one only, the suspect gets no requests.
    bodies: (templates, request) =>
      ROLES.map((role) => ({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { ...templates[role].metadata, name: podName(name, request, role), namespace },
        spec: { ...templates[role].spec, activeDeadlineSeconds: request.seconds },
      })),
  };
}
