import { CANNOT_START } from '../../core/domain/correlation/pods.ts';
import { InstantIn, secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import type { ContainerStatus, Event, Pod, ReplicaSet } from './objects.ts';

/** Seconds that every pod may take until it is ready, and how many times as long as a pod of another version. */
const START_SECONDS = 60;
const SLOWER = 2;

/** The kubelet sets both times of a new pod at once, in whole seconds. */
const SAME_SECONDS = 1;

/** Why the pods of a ReplicaSet do not exist: the cluster refuses what its pod template has. A quota without room is no fault of it. */
const REFUSED = 'refused by the cluster';
const REFUSES = /violates PodSecurity|denied (?:the )?request|serviceaccount "[^"]*" not found/;

/** What a volume of the pod template names does not exist. Otherwise, a mount fails because of the node or the storage. */
const MISSING = /(?:secret|configmap)s? "[^"]*" not found|references non-existent (?:secret|config) key/i;

const PROBE_FAILED = /^(Readiness|Liveness|Startup) probe failed/;

/** What a pod shows of its version. Undefined: not known. `readySince`: when it became ready, or ceased to be. */
export type PodState = {
  uid: string;
  ready: boolean;
  restarts: number;
  reasons: string[];
  createdAt: Timestamp | undefined;
  startedAt: Timestamp | undefined;
  readySince: Timestamp | undefined;
};

/** @param since start of the time in which restarts count */
export function stateOf({ metadata: { uid, creationTimestamp }, status }: Pod, since: Timestamp): PodState {
  const containers = [...status.initContainerStatuses, ...status.containerStatuses];
  const condition = status.conditions.find(({ type }) => type === 'Ready');
  const ready = condition?.status === 'True';
  const startedAt = instantOf(status.startTime);
  const isWhole = startedAt !== undefined && startedAt >= since;
  const restarts = (container: ContainerStatus): number =>
    isWhole ? container.restartCount : seenStarts(container, since);
  return {
    uid,
    ready,
    restarts: containers.reduce((sum, container) => sum + restarts(container), 0),
    reasons: ready ? [] : containers.flatMap(({ state }) => state?.waiting?.reason ?? []).filter(isLasting),
    createdAt: instantOf(creationTimestamp),
    startedAt,
    readySince: instantOf(condition?.lastTransitionTime),
  };
}

const isLasting = (reason: string): boolean => CANNOT_START.includes(reason);

/** Counts the restarts that a container shows: only of its last two runs, it says when they started. */
function seenStarts({ restartCount, state, lastState }: ContainerStatus, since: Timestamp): number {
  const starts = [lastState?.terminated?.startedAt, state?.running?.startedAt].map(instantOf);
  return Math.min(restartCount, starts.filter((at) => at !== undefined && at >= since).length);
}

/** Returns whether a pod is about to be removed, or was given up: evicted, past its deadline, or with its node. */
export const isEnded = ({ metadata, status }: Pod): boolean =>
  (metadata.deletionTimestamp ?? null) !== null || status.phase === 'Failed' || status.phase === 'Succeeded';

/** Returns whether a pod has just been created: those of a good version are not ready then, either. */
export const isNew = ({ createdAt }: PodState, now: Timestamp): boolean =>
  createdAt !== undefined && secondsBetween(createdAt, now) < START_SECONDS;

/** Returns why a pod does not start, as its events tell, in words. @param others pods of other versions */
export function toldReasons(
  pod: PodState,
  events: readonly Event[],
  { others, now }: { others: readonly PodState[]; now: Timestamp },
): string[] {
  if (pod.ready) return [];
  return events.flatMap(({ involvedObject, reason, message }) => {
    if (involvedObject.uid !== pod.uid) return [];
    if (reason === 'FailedMount' && MISSING.test(message)) return ['missing Secret or ConfigMap'];
    const [, probe] = (reason === 'Unhealthy' && PROBE_FAILED.exec(message)) || [];
    return probe !== undefined && takesTooLong(pod, others, now) ? [`${probe.toLowerCase()} probe failed`] : [];
  });
}

/**
 * Returns whether a pod has never been ready, and takes much longer than pods of other versions that are. If none is, what all
 * depend on may have failed.
 */
function takesTooLong({ startedAt, readySince }: PodState, others: readonly PodState[], now: Timestamp): boolean {
  if (startedAt === undefined || readySince === undefined) return false;
  const wasReady = secondsBetween(startedAt, readySince) > SAME_SECONDS;
  const usual = others.flatMap((one) =>
    one.ready && one.startedAt !== undefined && one.readySince !== undefined
      ? [secondsBetween(one.startedAt, one.readySince)]
      : [],
  );
  // Pods that have not been ready for some time seem to have taken longer.
  const mayTake = Math.max(START_SECONDS, SLOWER * Math.min(...usual));
  return !wasReady && secondsBetween(startedAt, now) > mayTake;
}

/** Returns why pods are missing that a ReplicaSet should have, once for each. @param count pods that exist */
export function missingReasons({ spec, status }: ReplicaSet, count: number): string[] {
  const failure = status.conditions.find(({ type, status: is }) => type === 'ReplicaFailure' && is === 'True');
  if (failure?.reason !== 'FailedCreate' || !REFUSES.test(failure.message)) return [];
  return Array.from({ length: Math.max(0, spec.replicas - count) }, () => REFUSED);
}

/** Returns when an event was last seen. Which field tells that depends on the API with which its component has recorded it. */
export const lastSeen = ({ series, lastTimestamp, eventTime, metadata }: Event): Timestamp | undefined =>
  instantOf(series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp);

const instantOf = (text: string | null | undefined): Timestamp | undefined => InstantIn.safeParse(text).data;
