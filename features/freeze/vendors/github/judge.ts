import {
  commitOf,
  isSameVersion,
  nameOf,
  type VersionReference,
} from '../../../../core/domain/changes/version-identity.ts';
import { environmentEntry } from '../../../../core/domain/catalogue/catalogue.ts';
import type { ServiceEnvironment } from '../../../../core/domain/ports/common.ts';
import type { Deps } from '../../ports.ts';
import { isDeploymentOf, matchesSha } from '../../../../vendors/github/deployments.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import type { CheckAnswer, CheckRequest } from '../../schemas/freeze-check.ts';
import { Version } from '../../../../schemas/config/names.ts';
import type { PinView } from '../../../../schemas/changes/pin.ts';
import type { WaitingDeployment } from '../../schemas/waiting-deployment.ts';
import { check } from '../../actions/check.ts';
import type { CheckDeps } from '../../actions/inputs.ts';
import { CHANGES_READ, detectKnownGood, ownRollback } from '../../actions/rollbacks.ts';
import { serviceEnvironmentsOf } from './environments.ts';

export type JudgeDeps = CheckDeps & Pick<Deps, 'pins' | 'decisions' | 'deploymentProtection'>;

/** The answers for each service that the deployment contains. */
export type DeploymentVerdict = { serviceEnvironment: ServiceEnvironment; answer: CheckAnswer }[];

export const isAllowed = (verdict: DeploymentVerdict): boolean => verdict.every(({ answer }) => answer.allowed);

/** Returns whether the deployment is refused because its version is known bad. Waiting does not help then. */
export const isPinned = (verdict: DeploymentVerdict): boolean =>
  verdict.some(({ answer: { allowed, reasons } }) => !allowed && reasons.some(({ code }) => code === 'pinned_version'));

/**
 * Checks all services of a deployment. The deployment is allowed only if all services are. Overrides are used up only
 * then, and once per deployment, however often it is checked.
 */
export async function judge(deps: JudgeDeps, gate: WaitingDeployment): Promise<DeploymentVerdict> {
  const { services } = await deps.config.current();
  const answers = await Promise.all(
    serviceEnvironmentsOf(services, gate).map((serviceEnvironment) => judgeService(deps, gate, serviceEnvironment)),
  );
  return answers.every(({ answer }) => answer.allowed)
    ? Promise.all(answers.map(({ request }) => checkDeployment(deps, gate, request, true)))
    : answers;
}

type JudgedRequest = DeploymentVerdict[number] & { request: CheckRequest };

async function judgeService(
  deps: JudgeDeps,
  gate: WaitingDeployment,
  serviceEnvironment: ServiceEnvironment,
): Promise<JudgedRequest> {
  const [changes, pins] = await Promise.all([
    deps.changes.recent(serviceEnvironment, CHANGES_READ),
    deps.pins.of(serviceEnvironment),
  ]);
  const request = detectKnownGood(changes, {
    ...serviceEnvironment,
    version: versionOf(gate, changes, pins),
    commit: gate.commit,
    deployment_id: gate.deployment_id,
    change: 'deploy',
  });
  const answer = await checkDeployment(deps, gate, request, false);
  if (answer.answer.allowed) return answer;
  const ours = await asOwnRollback(deps, gate, request, changes);
  return ours === undefined ? answer : checkDeployment(deps, gate, ours, false);
}

async function checkDeployment(
  deps: JudgeDeps,
  gate: WaitingDeployment,
  request: CheckRequest,
  consume: boolean,
): Promise<JudgedRequest> {
  const { service, environment } = request;
  const by = `github:${gate.repository} (${gate.asked_by})`;
  const answer = await check(deps, { request, by, consume, identityToken: null });
  return { serviceEnvironment: { service, environment }, answer, request };
}

/**
 * Returns the recorded version of the commit or tag. If several versions have this commit, a known bad one takes
 * precedence, because it is the same code; otherwise the newest. Without a recorded version, returns the commit.
 */
export function versionOf(
  { commit: sha, ref }: Pick<WaitingDeployment, 'commit' | 'ref'>,
  changes: readonly Change[],
  pins: readonly PinView[],
): Version {
  const names = changes.filter((change) => isDeploymentOfReference(change, { sha, ref })).map(({ version }) => version);
  const bad = pins.find(
    (pin) => pin.state === 'pinned' && (names.includes(pin.version) || isDeploymentOfReference(pin, { sha, ref })),
  );
  return bad?.version ?? names.at(-1) ?? Version.parse(sha);
}

/** Returns whether a deployment at GitHub is of a version. A commit of the repository for deployments says nothing about a tag. */
const isDeploymentOfReference = (reference: VersionReference, deployment: { sha: string; ref: string }): boolean =>
  isDeploymentOf({ version: nameOf(reference), commit: commitOf(reference) }, deployment) ||
  (reference.commit != null && matchesSha(reference.commit, deployment.sha));

/**
 * Returns the request as Firebreak's own rollback, or undefined if it is not one. A rollback by revert has a new commit
 * with the content of the good version. The content is compared, so that no other commit passes as the rollback.
 */
async function asOwnRollback(
  deps: JudgeDeps,
  gate: WaitingDeployment,
  request: CheckRequest,
  changes: readonly Change[],
): Promise<CheckRequest | undefined> {
  const ours = await ownRollback(deps, request);
  if (ours === undefined) return undefined;
  if (request.version !== null && isSameVersion({ version: ours.to }, { ...request, version: request.version }))
    return { ...request, change: 'rollback' };
  const commit =
    changes.findLast(({ version, commit: known }) => version === ours.to && known !== null)?.commit ?? null;
  const { services } = await deps.config.current();
  const deployer = environmentEntry(services, request)?.deployer;
  if (deployer?.kind !== 'github' || deployer.via !== 'revert') return undefined;
  const isSame = await deps.deploymentProtection.hasContentOf(gate, commit ?? ours.to, deployer.path ?? null);
  return isSame ? { ...request, version: ours.to, change: 'rollback' } : undefined;
}
