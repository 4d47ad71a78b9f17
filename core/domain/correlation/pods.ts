import type { Change } from '../../../schemas/changes/change.ts';
import { putsVersionLive, sameVersion } from '../changes/versions.ts';
import { wasWell } from './by-instance.ts';
import type { Candidate } from './candidates.ts';
import type { Evidence, PodsOfVersion } from './evidence.ts';
import { type Factor, unweightedFactor, weightedFactor } from './factor.ts';
import { seriesOf } from './series.ts';
import { list } from './words.ts';

/** Seconds before the judgement in which restarts of pods, and pods that wait, are counted. */
export const PODS_SECONDS = 300;

/** Reasons for which a container waits that it doesn't overcome by waiting. */
export const CANNOT_START: readonly string[] = [
  'CrashLoopBackOff',
  'ImagePullBackOff',
  'ErrImagePull',
  'InvalidImageName',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
];

/** Part of a version's pods that must fail: fewer can be the fault of a node. */
const FAILING_SHARE = 0.5;

/** Returns the state of the version's pods. Undefined: not measured. */
export const podsOf = (
  { pods }: Pick<Evidence, 'pods'>,
  { version }: Pick<Change, 'version'>,
): PodsOfVersion | undefined => pods?.find((one) => sameVersion(one.version, version));

const cannotStart = ({ pods, failing }: PodsOfVersion): boolean => failing > 0 && failing >= FAILING_SHARE * pods;

/** Returns the number of the version's pods that are ready. 0 also if that is not known. */
export const readyPods = (evidence: Pick<Evidence, 'pods'>, change: Pick<Change, 'version'>): number =>
  podsOf(evidence, change)?.ready ?? 0;

/** Weighs a version whose pods can't start. If pods of other versions can't start either, the cause may be what they share. */
export function podsFactor(evidence: Evidence, { change, relation }: Candidate): Factor | null {
  const own = podsOf(evidence, change);
  if (relation !== 'same' || !putsVersionLive(change) || own === undefined || !cannotStart(own)) return null;
  const { version, pods, restarting, restarts, failing, reasons } = own;
  const why = reasons.length === 0 ? '' : ` (${list(reasons)})`;
  const text =
    restarting > 0
      ? `${restarting} of ${pods} pods of ${version} have restarted ${restarts} times in ${PODS_SECONDS / 60} minutes${why}`
      : `${failing} of ${pods} pods of ${version} can't start${why}`;
  const others = (evidence.pods ?? []).filter((one) => one !== own && cannotStart(one));
  return others.length === 0
    ? weightedFactor('cannot_start', text)
    : unweightedFactor('cannot_start', `${text}, and pods of ${list(others.map((one) => one.version))} as well`);
}

/**
 * Says that the only pod of a version had been well: its machine may have failed since.
 *
 * @returns null if it has more pods, or if their number is not known
 */
export function onlyPodBad(
  evidence: Pick<Evidence, 'by_version' | 'health' | 'pods' | 'at'>,
  { version }: Pick<Change, 'version'>,
): string | null {
  const { health, at } = evidence;
  const own = seriesOf(evidence, { version });
  if (own === undefined || health === null || podsOf(evidence, { version })?.pods !== 1) return null;
  return wasWell(own, health, at) ? `the only pod of ${version} had been well, so its machine may have failed` : null;
}

/** Says why the pods of a version explain that it takes no requests. Null: they don't, or are not measured. */
export function whyNotServing(evidence: Pick<Evidence, 'pods'>, change: Pick<Change, 'version'>): string | null {
  const own = podsOf(evidence, change);
  if (own === undefined) return null;
  if (cannotStart(own)) return `${change.version} takes no requests while its pods can't start`;
  return own.ready === 0 ? `${change.version} takes no requests while none of its pods is ready` : null;
}

/** Returns whether only this version has pods that are ready, so that it takes all requests, whatever version they name. */
export const isOnlyReady = ({ pods = [] }: Pick<Evidence, 'pods'>, change: Pick<Change, 'version'>): boolean =>
  readyPods({ pods }, change) > 0 && pods.every((one) => sameVersion(one.version, change.version) || one.ready === 0);
