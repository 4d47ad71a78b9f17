import { outgoing } from '../../core/domain/redaction/outgoing.ts';
import type { DeploymentInfo, RevisionLocation } from '@aws-sdk/client-codedeploy';
import type { RollbackCall } from '../../core/domain/rollback/targets.ts';
import { truncate } from '../shared/text.ts';
import { targetsOf } from './codedeploy-appspec.ts';
import { commitsIn, type Names, whichOf } from './naming.ts';

const DESCRIPTION_MAX_CHARS = 256;

/** Returns the description of a deployment by Firebreak: its key and the version that it rolls back to. */
export const descriptionOf = ({ key, to, reason }: RollbackCall): string =>
  truncate(`[firebreak ${key}] back to ${to} — ${outgoing(reason)}`, DESCRIPTION_MAX_CHARS);

const OUR_DESCRIPTION = /^\[firebreak (\S+)\] back to (.*?)(?: — .*)?$/s;

export const isOurs = ({ description }: DeploymentInfo, key: string): boolean =>
  OUR_DESCRIPTION.exec(description ?? '')?.[1] === key;

/**
 * Returns which of the two versions a deployment deploys, by its revision or, failing that, its description. In a
 * description by Firebreak, only the version counts, because the reason can name both versions.
 */
export function whichDeployment(deployment: DeploymentInfo, names: Names) {
  const exactIds = exactIdsOf(deployment.revision);
  if (exactIds.includes(names.from) !== exactIds.includes(names.to))
    return exactIds.includes(names.from) ? 'from' : 'to';
  return whichOf(textsOf(deployment), names);
}

/** Returns the commits that a deployment shows, besides those in the names of the versions. */
export const commitsShownBy = (deployment: DeploymentInfo, names: Names): string[] =>
  commitsIn(textsOf(deployment), names);

const textsOf = ({ revision, description = '' }: DeploymentInfo): string[] => [
  bundleOrCommitOf(revision) ?? '',
  OUR_DESCRIPTION.exec(description)?.[2] ?? description,
];

/** Returns a name of the deployed version to display. */
export function labelOf({ revision, description, deploymentId }: DeploymentInfo): string {
  const version = bundleOrCommitOf(revision) ?? exactIdsOf(revision)[0] ?? deploymentId ?? 'a deployment';
  return description ? `${version} (${description})` : version;
}

/** Returns the complete IDs of a revision. */
function exactIdsOf(revision: RevisionLocation | undefined): string[] {
  const { s3Location, gitHubLocation } = revision ?? {};
  const ids = [s3Location?.version, s3Location?.eTag?.replaceAll('"', ''), gitHubLocation?.commitId];
  return [...ids.filter((id) => id !== undefined), ...targetsOf(appSpecOf(revision) ?? '')];
}

/** Returns the key of a bundle without its archive extension, or the GitHub commit, which can be abbreviated. */
function bundleOrCommitOf({ s3Location, gitHubLocation }: RevisionLocation = {}): string | undefined {
  return s3Location?.key?.replace(/\.(?:zip|tar|tgz|tar\.gz|ya?ml|json)$/i, '') ?? gitHubLocation?.commitId;
}

/** Returns undefined if the AppSpec is in S3 or in the format that preceded `appSpecContent`. */
export const appSpecOf = (revision: RevisionLocation | undefined): string | undefined =>
  revision?.appSpecContent?.content;
