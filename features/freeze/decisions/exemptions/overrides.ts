import { isSameVersion, tellsRevision } from '../../../../core/domain/changes/version-identity.ts';
import type { Freeze, FreezeScope, Override } from '../../schemas/freeze.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { isSamePerson } from '../../../../core/domain/access/actor-identity.ts';
import type { CheckInputs } from '../check-inputs.ts';

/** An override that lets a deployment through a freeze. */
export type UsableOverride = {
  freeze: Freeze;
  override: Override;
  /** Remaining uses. Null: unlimited. */
  usesLeft: number | null;
  /** This deployment has already used the override, so using it again costs no further use. */
  again: boolean;
};

/** The request, and the key under which it is counted if it does not identify the deployment. */
export type Deployment = Pick<CheckInputs, 'request' | 'countedAs'>;

/**
 * Returns the key under which a deployment's override uses are counted: its own ID, else its version and commit, else
 * the key assigned to the request. If the freeze covers several services, the key includes service and environment,
 * because two services may use the same ID. Null: nothing distinguishes this deployment from the next one.
 */
export function deploymentKey(
  { service, environment }: FreezeScope,
  { request, countedAs }: Deployment,
): string | null {
  const { deployment_id, version, commit, ...serviceEnvironment } = request;
  const deploymentName =
    deployment_id ?? (version === null && commit === null ? (countedAs ?? null) : `${version ?? ''}@${commit ?? ''}`);
  if (deploymentName === null || (service !== null && environment !== null)) return deploymentName;
  return `${serviceEnvironment.service}/${serviceEnvironment.environment}/${deploymentName}`;
}

/** Returns the override that lets this deployment through now; of several, the one that costs least. */
export function usableOverride(freeze: Freeze, deployment: Deployment, at: Timestamp): UsableOverride | undefined {
  const { request } = deployment;
  const key = deploymentKey(freeze, deployment);
  return freeze.overrides
    .filter((override) => isActive(override, at) && isForVersion(override, request))
    .map((override) => ({
      freeze,
      override,
      usesLeft: override.uses === null ? null : Math.max(0, override.uses - override.used_by.length),
      again: key !== null && override.used_by.some((use) => use.deployment === key),
    }))
    .filter(({ usesLeft, again }) => again || usesLeft !== 0)
    .toSorted((a, b) => costOf(a) - costOf(b) || (a.override.id < b.override.id ? -1 : 1))[0];
}

/** Ranks overrides: one that this deployment already used or that has unlimited uses costs nothing. */
const costOf = ({ again, usesLeft, override }: UsableOverride): number =>
  again ? 0 : usesLeft === null ? 1 : override.version === null ? 3 : 2;

/** Returns whether the override is in effect, apart from its uses. */
export const isActive = (override: Override, at: Timestamp): boolean =>
  at < override.expires_at && override.withdrawn_at === null && !isWaitingForApproval(override);

/** Returns whether the override still needs approval by a second person, who must not be the requester. */
const isWaitingForApproval = ({ needs_approval, approved_by, requested_by }: Override): boolean =>
  needs_approval && (approved_by === null || isSamePerson(approved_by, requested_by));

/** An override of one commit of a branch needs the commit in the request. */
const isForVersion = ({ version }: Override, { version: requested, commit }: Deployment['request']): boolean => {
  if (version === null) return true;
  if (requested === null) return false;
  const request = { version: requested, commit };
  return isSameVersion({ version }, request) && (!tellsRevision({ version }) || tellsRevision(request));
};

/** Explains why the existing overrides of a freeze do not let this deployment through. */
export const unusableOverrideTexts = (freeze: Freeze, inputs: CheckInputs): string[] =>
  freeze.overrides
    .filter(({ withdrawn_at }) => withdrawn_at === null)
    .map((override) => `override ${override.id} (${override.requested_by}) ${whyUnusable(override, inputs)}`);

function whyUnusable(override: Override, { request, at, storageProblem }: CheckInputs): string {
  if (override.expires_at <= at) return 'has expired';
  if (isWaitingForApproval(override)) return 'is waiting for approval by a second person';
  if (!isForVersion(override, request)) return `is for version ${override.version ?? ''}`;
  if (storageProblem !== undefined) return `cannot be used now: its use cannot be counted, because ${storageProblem}`;
  return 'has no uses left';
}

/** Returns recommendations for the person who requests an override. */
export const overrideWarnings = ({ version }: Pick<Override, 'version'>): string[] =>
  version === null ? ['this override allows any version; set a version to allow only that one'] : [];
