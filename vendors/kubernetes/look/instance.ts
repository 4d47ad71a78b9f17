import type { LookInstance } from '../../../core/domain/rollback/targets.ts';
import { InstantIn } from '../../../schemas/time/time.ts';
import { refuse } from '../../shared/refusals.ts';
import { truncate } from '../../shared/text.ts';
import type { Pod } from '../objects.ts';

/** Why a container does not run: its image never arrived, which says nothing about the version. */
const NO_IMAGE = new Set(['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName']);

/** Why a container does not run, by its own doing or by its configuration. */
const FAILING = new Set([
  'CrashLoopBackOff',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
]);

const DETAIL_MAX_CHARS = 200;

/**
 * Reads an instance. A pod that another system ends is `gone`, because it shows nothing about its version.
 *
 * @param name of the pod, if it does not exist
 * @throws Ended if the pod cannot run for reasons outside of its version: no node has room, or its image cannot be pulled
 */
export function instanceOf(pod: Pod | undefined, name: string): LookInstance {
  if (pod === undefined) return { name, state: 'gone', readyAt: null, restarts: 0, detail: 'its pod does not exist' };
  const { metadata, status } = pod;
  const containers = [...status.initContainerStatuses, ...status.containerStatuses];
  const restarts = status.containerStatuses.reduce((sum, { restartCount }) => sum + restartCount, 0);
  const instance = { name: metadata.name, readyAt: null, restarts };
  if (isEnded(pod)) {
    const { phase, reason, message } = status;
    return { ...instance, state: 'gone', detail: textOf(reason || phase, message) };
  }
  const unscheduled = status.conditions.find(
    ({ type, status: is, reason }) => type === 'PodScheduled' && is === 'False' && reason === 'Unschedulable',
  );
  if (unscheduled !== undefined)
    throw refuse(`no node has room for the two instances: ${textOf(metadata.name, unscheduled.message ?? '')}`);
  const waiting = containers.flatMap(({ name: container, state, lastState }) =>
    state?.waiting ? [{ container, ...state.waiting, ended: lastState?.terminated }] : [],
  );
  const unpulled = waiting.find(({ reason }) => NO_IMAGE.has(reason));
  if (unpulled !== undefined)
    throw refuse(`the image of ${metadata.name} cannot be pulled: ${textOf(unpulled.reason, unpulled.message)}`);
  const failing = waiting.find(({ reason }) => FAILING.has(reason));
  const exits = containers.find(({ lastState }) => lastState?.terminated)?.lastState?.terminated;
  const detail = failing
    ? textOf(failing.reason, failing.ended ? exitText(failing.ended) : failing.message)
    : restarts > 0 && exits
      ? `restarted ${restarts} times, ${exitText(exits)}`
      : null;
  if (failing !== undefined) return { ...instance, state: 'failed', detail };
  const ready = status.conditions.find(({ type }) => type === 'Ready');
  return ready?.status === 'True'
    ? { ...instance, state: 'ready', readyAt: InstantIn.safeParse(ready.lastTransitionTime).data ?? null, detail }
    : { ...instance, state: 'starting', detail: detail ?? (ready?.message || null) };
}

/** Returns whether it was removed, or ended as a whole: evicted, past its deadline, or with its node. */
const isEnded = ({ metadata, status }: Pod): boolean =>
  (metadata.deletionTimestamp ?? null) !== null || status.phase === 'Failed' || status.phase === 'Succeeded';

const exitText = ({ reason, exitCode }: { reason: string; exitCode: number }): string =>
  `exited with ${exitCode}${reason === '' ? '' : ` (${reason})`}`;

const textOf = (reason: string, message: string): string =>
  truncate(message === '' ? reason : `${reason}: ${message}`, DETAIL_MAX_CHARS);
