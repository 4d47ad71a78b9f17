import * as z from 'zod';
import type { ChaosReading } from '../decisions/progress.ts';
import type { Attempt } from '../../../core/domain/ports/common.ts';
import type { ChaosObject, ChaosSystem, ChaosTarget } from '../types.ts';
import { ChaosMeshResource, type ChaosRun } from '../experiment.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { attempt, type ClusterOptions } from '../../../vendors/kubernetes/attempt.ts';
import { timesOf } from './targets.ts';
import { attemptOf, type Ending } from '../../../vendors/shared/refusals.ts';

const LabelValues = z
  .record(z.string(), z.string())
  .nullish()
  .transform((texts) => texts ?? {});

/** @see https://github.com/chaos-mesh/chaos-mesh/blob/master/api/v1alpha1/selector.go */
const Selector = z.object({
  namespaces: z
    .array(z.string())
    .nullish()
    .transform((namespaces) => namespaces ?? []),
  labelSelectors: LabelValues,
  /** Names of pods by namespace. With it, labels are not used. */
  pods: z.record(z.string(), z.array(z.string())).nullish(),
});

const Target = z.object({ selector: Selector.nullish() });

/** @see https://github.com/chaos-mesh/chaos-mesh/blob/master/api/v1alpha1/common_types.go */
const Chaos = z.object({
  metadata: z.object({
    name: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    deletionTimestamp: z.string().nullish(),
    annotations: LabelValues,
  }),
  spec: z.looseObject({
    action: z.string().optional(),
    selector: Selector.nullish(),
    direction: z.string().optional(),
    /** The second selector of a NetworkChaos. Other resources use the field for something else. */
    target: z.unknown().optional(),
    /** The objects are in another cluster. */
    remoteCluster: z.string().nullish(),
  }),
  status: z
    .object({
      conditions: z
        .array(z.object({ type: z.string(), status: z.string(), reason: z.string().default('') }))
        .nullish()
        .transform((conditions) => conditions ?? []),
      experiment: z
        .object({
          desiredPhase: z.string().default(''),
          containerRecords: z
            .array(
              z.object({
                events: z
                  .array(z.object({ type: z.string(), operation: z.string(), timestamp: z.string().nullish() }))
                  .nullish()
                  .transform((events) => events ?? []),
              }),
            )
            .nullish()
            .transform((records) => records ?? []),
        })
        .prefault({}),
    })
    .prefault({}),
});
type Chaos = z.infer<typeof Chaos>;

/** The annotation that pauses an experiment: the controllers recover all targets. */
const PAUSE = 'experiment.chaos-mesh.org/pause';

/** Actions that are done once: nothing can be paused or recovered. */
const ONE_SHOT_ACTIONS: Readonly<Record<string, readonly string[]>> = {
  AWSChaos: ['ec2-restart'],
  AzureChaos: ['vm-restart'],
  GCPChaos: ['node-reset'],
  PodChaos: ['pod-kill', 'container-kill'],
};

/** Creates a client for one object of Chaos Mesh. */
export function chaosMeshObject(
  { namespace, resource, name, uid }: { namespace: string } & Omit<Extract<ChaosRun, { kind: 'chaos-mesh' }>, 'kind'>,
  cluster: ClusterOptions,
): ChaosSystem {
  const path = `${collectionOf(namespace, resource)}/${name}`;
  const stateText = (chaos: Chaos): string => `${resource} ${name}: ${stateOf(chaos)}`;
  return {
    target: `${resource} ${namespace}/${name}`,
    async read(): Promise<ChaosReading> {
      const found = await attempt(cluster, async ({ get, find }) => {
        const object = await (uid === undefined ? get : find)(path, Chaos);
        return object === undefined || (uid !== undefined && object.metadata.uid !== uid) ? 'gone' : object;
      });
      if (found === 'gone') return { kind: 'ended', detail: `${resource} ${name} was deleted`, verdict: null };
      if ('kind' in found) return { kind: 'unknown', detail: found.detail, verdict: null };
      return isOver(found)
        ? { kind: 'ended', detail: stateText(found), verdict: null, at: timesIn(found, 'Recover').at(-1) ?? null }
        : { kind: 'running', detail: stateText(found), verdict: null };
    },
    async stop(): Promise<Attempt> {
      const response = await attempt(cluster, async ({ get, patch }) => {
        const before = await get(path, Chaos);
        if (before.metadata.annotations[PAUSE] === 'true' || isOver(before) || isOneShot(resource, before))
          return before;
        return patch(path, 'merge', { metadata: { annotations: { [PAUSE]: 'true' } } }, Chaos);
      });
      if ('kind' in response) return attemptOf(response);
      if (isOneShot(resource, response))
        return { kind: 'taken', detail: `${stateText(response)}; its action is done once and cannot be taken back` };
      return isOver(response)
        ? { kind: 'taken', detail: stateText(response) }
        : { kind: 'later', detail: stateText(response), afterSeconds: null };
    },
  };
}

const collectionOf = (namespace: string, resource: ChaosMeshResource): string =>
  `/apis/chaos-mesh.org/v1alpha1/namespaces/${namespace}/${resource.toLowerCase()}`;

/** Lists the objects of Chaos Mesh in a namespace. Kinds that its version does not have are left out. */
export async function chaosMeshObjects(namespace: string, cluster: ClusterOptions): Promise<ChaosObject[] | Ending> {
  const List = z.object({ items: z.array(Chaos) });
  const lists = await Promise.all(
    ChaosMeshResource.options.map(async (resource) => {
      const listed = await attempt(cluster, async ({ find }) => ({
        items: (await find(collectionOf(namespace, resource), List))?.items ?? null,
      }));
      if ('kind' in listed) return listed;
      return listed.items?.map((chaos) => chaosObject(namespace, resource, chaos)) ?? null;
    }),
  );
  const ending = lists.find((list): list is Ending => list !== null && !Array.isArray(list));
  if (ending !== undefined) return ending;
  if (lists.every((list) => list === null))
    return { kind: 'refused', detail: 'the cluster has no resource in the group chaos-mesh.org; install Chaos Mesh' };
  return lists.flatMap((list) => (Array.isArray(list) ? list : []));
}

function chaosObject(namespace: string, resource: ChaosMeshResource, chaos: Chaos): ChaosObject {
  const { name, uid, annotations } = chaos.metadata;
  const [startedAt] = timesIn(chaos, 'Apply');
  const isPaused = annotations[PAUSE] === 'true' && !isOneShot(resource, chaos);
  const isRunning = chaos.status.experiment.desiredPhase === 'Run' && !isPaused && startedAt !== undefined;
  return {
    uid,
    name,
    // The effect of an action that is done once outlasts its object, so a missing object is not its end.
    run: { kind: 'chaos-mesh', resource, name, ...(!isOneShot(resource, chaos) && { uid }) },
    object: `${resource} ${namespace}/${name}`,
    state: isOver(chaos) ? 'over' : isRunning ? 'running' : 'idle',
    startedAt: startedAt ?? null,
    isOneShot: isOneShot(resource, chaos),
    annotations,
    targets: targetsOf(namespace, resource, chaos),
  };
}

/** Returns when actions on targets succeeded, oldest first. */
const timesIn = ({ status }: Chaos, wantedOperation: 'Apply' | 'Recover'): Timestamp[] =>
  timesOf(
    status.experiment.containerRecords
      .flatMap(({ events }) => events)
      .filter(({ type, operation }) => type === 'Succeeded' && operation === wantedOperation)
      .map(({ timestamp }) => timestamp),
  );

/** Returns the pods that an object disturbs. The target of NetworkChaos is disturbed, too, unless the direction is `to`. */
function targetsOf(ownNamespace: string, resource: ChaosMeshResource, { spec }: Chaos): ChaosTarget[] {
  // The selector of a PhysicalMachineChaos selects no pods.
  if (spec.remoteCluster || resource === 'PhysicalMachineChaos') return [];
  const isBoth = resource === 'NetworkChaos' && (spec.direction === 'from' || spec.direction === 'both');
  const other = isBoth ? Target.safeParse(spec.target).data?.selector : null;
  return [spec.selector, other].flatMap((selector): ChaosTarget[] => {
    if (selector == null) return [];
    if (selector.pods && Object.keys(selector.pods).length > 0)
      return Object.keys(selector.pods).map((namespace) => ({ namespace, labels: null, workload: null }));
    const namespaces = selector.namespaces.length === 0 ? [ownNamespace] : selector.namespaces;
    return namespaces.map((namespace) => ({ namespace, labels: selector.labelSelectors, workload: null }));
  });
}

const hasCondition = ({ status }: Chaos, type: string): boolean =>
  status.conditions.some((condition) => condition.type === type && condition.status === 'True');

/** All targets are recovered, and none is to be injected again. */
const isOver = (chaos: Chaos): boolean =>
  chaos.status.experiment.desiredPhase === 'Stop' && hasCondition(chaos, 'AllRecovered');

const isOneShot = (resource: string, { spec }: Chaos): boolean =>
  ONE_SHOT_ACTIONS[resource]?.includes(spec.action ?? '') ?? false;

function stateOf({ status }: Chaos): string {
  const conditions = status.conditions.filter((condition) => condition.status === 'True').map(({ type }) => type);
  return [`desired phase ${status.experiment.desiredPhase || 'not set'}`, ...conditions].join(', ');
}
