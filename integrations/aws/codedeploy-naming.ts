import type { DeploymentInfo, RevisionLocation } from '@aws-sdk/client-codedeploy';
import type { RollbackRequest } from '../../domain/targets.ts';
import { truncate } from '../text.ts';
import { targetsOf } from './codedeploy-appspec.ts';
import { type Names, whichOf } from './naming.ts';

const DESCRIPTION_MAX_CHARS = 256;

/** What a deployment of ours says of itself: under which key it was made, and what it goes back to. */
export const descriptionOf = ({ key, to, reason }: RollbackRequest): string =>
  truncate(`[firebreak ${key}] back to ${to} — ${reason}`, DESCRIPTION_MAX_CHARS);

const OURS = /^\[firebreak (\S+)\] back to (.*?)(?: — .*)?$/s;

export const isOurs = ({ description }: DeploymentInfo, key: string): boolean =>
  OURS.exec(description ?? '')?.[1] === key;

/**
 * Which of the two versions a deployment puts live: by its revision, else by its description. The reason in a description
 * of ours may name both.
 */
export function whichDeployment({ revision, description = '' }: DeploymentInfo, names: Names) {
  const exact = exactly(revision);
  if (exact.includes(names.from) !== exact.includes(names.to)) return exact.includes(names.from) ? 'from' : 'to';
  return whichOf([wordsOf(revision), OURS.exec(description)?.[2] ?? description], names);
}

/** As people call what it puts live. */
export function labelOf({ revision, description, deploymentId }: DeploymentInfo): string {
  const what = wordsOf(revision) ?? exactly(revision)[0] ?? deploymentId ?? 'a deployment';
  return description ? `${what} (${description})` : what;
}

/** The ids that a revision has as a whole. */
function exactly(revision: RevisionLocation | undefined): string[] {
  const { s3Location, gitHubLocation } = revision ?? {};
  const ids = [s3Location?.version, s3Location?.eTag?.replaceAll('"', ''), gitHubLocation?.commitId];
  return [...ids.filter((id) => id !== undefined), ...targetsOf(appSpecOf(revision) ?? '')];
}

/** Of the key of a bundle, without the ending of its archive; of GitHub the commit, which may be written shortened. */
function wordsOf({ s3Location, gitHubLocation }: RevisionLocation = {}): string | undefined {
  return s3Location?.key?.replace(/\.(?:zip|tar|tgz|tar\.gz|ya?ml|json)$/i, '') ?? gitHubLocation?.commitId;
}

/** Undefined where it is in S3, or was given in the form of before `appSpecContent`. */
export const appSpecOf = (revision: RevisionLocation | undefined): string | undefined =>
  revision?.appSpecContent?.content;
