import { VERSION_ANNOTATION } from './annotations.ts';
import type { PodTemplate } from './objects.ts';
import { isSameName } from '../../core/domain/changes/version-identity.ts';
import { type DriftCheck, type RollbackCall, sharesName } from '../../core/domain/rollback/targets.ts';
import { refuse } from '../shared/refusals.ts';
import { showsCommit, shownCommits } from '../shared/shown-commits.ts';
import { fromVersion, toVersion, type VersionOrCommit } from '../shared/versions.ts';

/** @see https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ */
const APP_VERSION = 'app.kubernetes.io/version';

/**
 * Returns the versions that a pod template shows, the most explicit first: annotation, label, tag, and digest of the
 * image.
 *
 * @param container the container whose image is used. Undefined: the first one. A missing container has no image.
 */
export function versionsOf({ metadata, spec }: PodTemplate, container: string | undefined): string[] {
  const found = container === undefined ? spec.containers[0] : spec.containers.find(({ name }) => name === container);
  return [
    metadata.annotations?.[VERSION_ANNOTATION],
    metadata.labels?.[APP_VERSION],
    ...imageVersions(found?.image ?? ''),
  ].filter((version): version is string => version !== undefined && version !== '');
}

/** @example imageVersions('registry.test:5000/shop/checkout:v42@sha256:…') // ['v42', 'sha256:…'] */
export function imageVersions(image: string): string[] {
  const [reference = '', digest] = image.split('@');
  const name = reference.slice(reference.lastIndexOf('/') + 1); // a colon before the last slash precedes a port
  const colon = name.indexOf(':');
  return [...(colon === -1 ? [] : [name.slice(colon + 1)]), ...(digest === undefined ? [] : [digest])];
}

/**
 * Returns whether the versions of a pod template are this version. Its commit decides if both are known, because several commits
 * can have the same name.
 */
export const isVersion = (versions: readonly string[], { version, commit }: VersionOrCommit): boolean =>
  versions.some((name) => showsCommit(name, commit)) ||
  (versions.includes(version) && (commit === null || shownCommits(versions, [version]).length === 0));

/**
 * Refuses to choose between two versions of the same name if a pod template has only this name.
 *
 * @throws Ended
 */
export function refuseSharedName(versions: readonly string[], request: RollbackCall): void {
  const isTold = isVersion(versions, fromVersion(request)) || isVersion(versions, toVersion(request));
  const isOther = shownCommits(versions, [request.from, request.to]).length > 0;
  if (!sharesName(request) || isTold || isOther || !versions.some((version) => isSameName(version, request.to))) return;
  throw refuse(
    `two versions have the name ${request.to}, and the pod template does not tell which of them it is; ` +
      `add the commit to the tag of the image, or set the annotation ${VERSION_ANNOTATION} to it`,
  );
}

/**
 * Returns whether a pod template is that of a rollback. Undefined: it is another one.
 *
 * @throws Ended if the template does not tell
 */
export function restoredIn(versions: readonly string[], request: RollbackCall): DriftCheck | undefined {
  refuseSharedName(versions, request);
  if (!isVersion(versions, toVersion(request))) return undefined;
  return isVersion(versions, fromVersion(request))
    ? { kind: 'unknown', detail: `its pod template shows both ${request.from} and ${request.to}` }
    : { kind: 'holds' };
}

/** Returns a name to display. */
export const nameOf = (versions: readonly string[]): string => versions[0] ?? 'an unnamed version';

/** Returns the digest of the image. Undefined: the image is named by its tag only. */
export const digestIn = (versions: readonly string[]): string | undefined =>
  versions.find((name) => name.startsWith('sha256:'));
