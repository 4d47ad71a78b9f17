import * as z from 'zod';
import { PODS_SECONDS } from '../../core/domain/correlation/pods.ts';
import type { InstancesResponse, RunningInstance } from '../../core/domain/rollback/targets.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time/time.ts';
import { Ended, refuse } from '../shared/refusals.ts';
import type { Calls } from './attempt.ts';
import { INSTANCES_MS, LIST_PAGE, LIST_PAGES_MAX } from './limits.ts';
import { Event, Pod, type ReplicaSet, selectorText, type Workload } from './objects.ts';
import { isEnded, isNew, lastSeen, missingReasons, type PodState, stateOf, toldReasons } from './pod-state.ts';
import { ownReplicaSets } from './revisions.ts';
import { versionsOf } from './versions.ts';
import { attemptOn, type WorkloadTarget } from './workload.ts';

const PODS_MAX = LIST_PAGE * LIST_PAGES_MAX;

/** A ReplicaSet with the pods that it controls. */
type Controlled = { set: ReplicaSet; pods: PodState[] };

type Warnings = { events: readonly Event[]; unread: string | null };

/**
 * Reads the pods of a workload by the ReplicaSets that control them, and why those that are not ready do not start.
 *
 * @param options.all reads events also if they explain nothing
 */
export const instancesOf = <T extends Workload>(
  target: WorkloadTarget<T>,
  { all = false }: { all?: boolean } = {},
): Promise<InstancesResponse> =>
  attemptOn(
    target,
    async (calls, workload): Promise<InstancesResponse> => {
      const { namespace, kind, name, cluster } = target;
      const { selector } = workload.spec;
      const title = `${kind} ${namespace}/${name}`;
      if (selector === undefined) throw refuse(`${title} has no pod template of its own (workloadRef)`);
      const path = `/api/v1/namespaces/${namespace}`;
      const [sets, pods] = await Promise.all([
        ownReplicaSets(calls, namespace, workload),
        list(calls, `${path}/pods`, { labelSelector: selectorText(selector) }, Pod),
      ]);
      // Those that the cluster refuses are counted by what the ReplicaSets should have.
      if (!pods.isWhole || sets.some(({ spec }) => spec.replicas > PODS_MAX))
        throw refuse(`${title} has more than ${PODS_MAX} pods`);
      const now = cluster.clock.now();
      const since = plusSeconds(now, -PODS_SECONDS);
      const controlled = sets.map((set): Controlled => {
        const own = pods.items.filter((pod) => isControlledBy(pod, set) && !isEnded(pod));
        return { set, pods: own.map((pod) => stateOf(pod, since)) };
      });
      const isUnexplained = ({ ready, reasons }: PodState): boolean => !ready && reasons.length === 0;
      const warnings =
        all || controlled.some((one) => one.pods.some(isUnexplained))
          ? await warningsOf(calls, `${path}/events`, since)
          : { events: [], unread: null };
      return {
        kind: 'instances',
        instances: controlled.flatMap((one) => instancesIn(one, { target, controlled, events: warnings.events, now })),
        unread: warnings.unread,
      };
    },
    INSTANCES_MS,
  );

/** Returns the instances of a ReplicaSet, also those that the cluster refuses. */
function instancesIn(
  { set, pods }: Controlled,
  {
    target,
    controlled,
    events,
    now,
  }: {
    target: Pick<WorkloadTarget<Workload>, 'container'>;
    controlled: readonly Controlled[];
    events: readonly Event[];
    now: Timestamp;
  },
): RunningInstance[] {
  const names = versionsOf(set.spec.template, target.container);
  // If a pod of this version is ready, further ones can start, too: an autoscaler adds them while what all share is too slow.
  const others = pods.some(({ ready }) => ready) ? [] : controlled.flatMap((one) => (one.set === set ? [] : one.pods));
  return [
    ...pods.map((pod) => {
      const { restarts } = pod;
      const reasons = [...new Set([...pod.reasons, ...toldReasons(pod, events, { others, now })])];
      const isUntold = reasons.length === 0 && restarts === 0 && isNew(pod, now);
      return { names, ready: !pod.ready && isUntold ? null : pod.ready, restarts, reasons };
    }),
    ...missingReasons(set, pods.length).map((reason) => ({ names, ready: false, restarts: 0, reasons: [reason] })),
  ];
}

const isControlledBy = ({ metadata }: Pod, set: ReplicaSet): boolean =>
  metadata.ownerReferences.some(({ uid, controller }) => uid === set.metadata.uid && controller === true);

/** Returns the recent warnings about pods of the namespace, or why they are not known. The pods are known without them. */
async function warningsOf(calls: Calls, path: string, since: Timestamp): Promise<Warnings> {
  try {
    // Their number by object is limited, but a namespace can have any. Those that are not read explain nothing.
    const { items } = await list(calls, path, { fieldSelector: 'involvedObject.kind=Pod,type=Warning' }, Event);
    return { events: items.filter((event) => (lastSeen(event) ?? '') >= since), unread: null };
  } catch (error) {
    if (error instanceof Ended) return { events: [], unread: error.ending.detail };
    throw error;
  }
}

/**
 * Reads a list in pages. `isWhole`: it has no further ones.
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
 */
async function list<T>(
  calls: Calls,
  path: string,
  selectors: Record<string, string>,
  item: z.ZodType<T>,
): Promise<{ items: T[]; isWhole: boolean }> {
  const Page = z.object({
    metadata: z.object({ continue: z.string().default('') }).prefault({}),
    items: z.array(item),
  });
  const items: T[] = [];
  let next = '';
  for (let pages = 0; pages < LIST_PAGES_MAX; pages += 1) {
    const query = new URLSearchParams({ ...selectors, limit: String(LIST_PAGE), ...(next && { continue: next }) });
    const page = await calls.get(`${path}?${query.toString()}`, Page);
    items.push(...page.items);
    next = page.metadata.continue;
    if (next === '') return { items, isWhole: true };
  }
  return { items, isWhole: false };
}
