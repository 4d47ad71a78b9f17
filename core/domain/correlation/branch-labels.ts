import type { Change } from '../../../schemas/changes/change.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { reportedName } from '../changes/identified-versions.ts';
import { isSameName, tellsRevision } from '../changes/version-identity.ts';
import { endOf, liveChanges } from '../changes/versions.ts';
import type { Evidence } from './evidence.ts';

/** Returns the version that a label names. Null: the label is the name of several versions, so it tells none of them. */
export type LabelReader = (label: string) => string | null;

/**
 * Returns how to read labels with versions: a label with only the name of a branch is the commit of it that ran in this time,
 * unless several did. Undefined: no branch was deployed, so labels are versions.
 *
 * @param changes changes of one service and environment
 * @param from start of what is measured
 */
export function branchLabels(changes: readonly Change[], from: Timestamp): LabelReader | undefined {
  const live = liveChanges(changes);
  const ran = live.filter((_, index) => {
    const next = live[index + 1];
    return next === undefined || endOf(next) >= from;
  });
  const ofBranches = ran.filter((change) => change.reported_version !== undefined && tellsRevision(change));
  if (ofBranches.length === 0) return undefined;
  return (label) => {
    const alike = ofBranches.filter((change) => isSameName(label, reportedName(change)));
    const [version, another] = new Set(alike.map((change) => change.version));
    return version === undefined ? label : another === undefined ? version : null;
  };
}

/**
 * Reads the labels of evidence. If one of several versions cannot be told, none is measured: requests to it would seem to be
 * requests to no version.
 */
export function withLabelsRead(evidence: Evidence, read: LabelReader | undefined): Evidence {
  if (read === undefined) return evidence;
  const { by_version, by_version_close, by_instance, callers, pods, alert_versions, ...others } = evidence;
  const close = withVersions(by_version_close, read);
  const instances = withVersions(by_instance, read);
  const seen = withVersions(callers, read);
  const { close: _close, ...whole } = seen ?? {};
  const seenClose = withVersions(seen?.close, read);
  const podsNamed = pods && readVersions(pods, read);
  return {
    ...others,
    by_version: by_version && readVersions(by_version, read),
    ...(close && { by_version_close: close }),
    ...(instances && { by_instance: instances }),
    ...(seen && { callers: { ...whole, ...(seenClose && { close: seenClose }) } as NonNullable<Evidence['callers']> }),
    ...(podsNamed && { pods: podsNamed }),
    alert_versions: alert_versions.flatMap((label) => read(label) ?? []),
  };
}

/** Returns what is measured by version, with its labels read. Undefined: it is not measured. */
function withVersions<V extends { version: string }, M extends { versions: readonly V[] }>(
  measured: M | undefined,
  read: LabelReader,
): M | undefined {
  const versions = measured && readVersions(measured.versions, read);
  return measured && versions ? { ...measured, versions } : undefined;
}

/** Returns null if a label tells no version. */
function readVersions<V extends { version: string }>(versions: readonly V[], read: LabelReader): V[] | null {
  const named = versions.flatMap((one) => {
    const version = read(one.version);
    return version === null ? [] : [{ ...one, version }];
  });
  return named.length < versions.length ? null : named;
}
