import type { Change } from '../../../schemas/changes/change.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { reportedName } from '../changes/identified-versions.ts';
import { commitOf, isSameName } from '../changes/version-identity.ts';
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
  const ofBranches = ran.filter((change) => change.reported_version !== undefined && commitOf(change) !== null);
  if (ofBranches.length === 0) return undefined;
  return (label) => {
    const alike = ofBranches.filter((change) => isSameName(label, reportedName(change)));
    const [version, another] = new Set(alike.map((change) => change.version));
    return version === undefined ? label : another === undefined ? version : null;
  };
}

/** Reads the labels of evidence. Series that tell no version are left out: the service is then not measured by version. */
export function withLabelsRead(evidence: Evidence, read: LabelReader | undefined): Evidence {
  if (read === undefined) return evidence;
  const { by_version, by_version_close: close, by_instance: instances, alert_versions, ...others } = evidence;
  const named = by_version && readVersions(by_version, read);
  const closeNamed = close && readVersions(close.versions, read);
  const instancesNamed = instances && readVersions(instances.versions, read);
  return {
    ...others,
    by_version: named?.length === 0 ? null : named,
    ...(close && closeNamed && closeNamed.length > 0 && { by_version_close: { ...close, versions: closeNamed } }),
    ...(instances &&
      instancesNamed &&
      instancesNamed.length > 0 && { by_instance: { ...instances, versions: instancesNamed } }),
    alert_versions: alert_versions.flatMap((label) => read(label) ?? []),
  };
}

const readVersions = <V extends { version: string }>(versions: readonly V[], read: LabelReader): V[] =>
  versions.flatMap((one) => {
    const version = read(one.version);
    return version === null ? [] : [{ ...one, version }];
  });
