import * as z from 'zod';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { Clock, Secrets } from '../../core/domain/ports/system.ts';
import type { Deployer, DriftCheck, RollbackCall, TargetResponse } from '../../core/domain/rollback/targets.ts';
import type { GitReverter } from '../github/revert.ts';
import { withoutTrailingSlash } from '../shared/client.ts';
import { driftOrUnknown, refuse } from '../shared/refusals.ts';
import { truncate } from '../shared/text.ts';
import {
  type Application,
  contentHash,
  type Deployment,
  deploymentOfState,
  describeOperation,
  displayName,
  failureOf,
  findTarget,
  hasFailed,
  historyOf,
  isAutomated,
  isFrom,
  isHealthFresh,
  isSameContent,
  MESSAGE_MAX_CHARS,
  newestHistoryId,
  operationInProgress,
  readHandle,
  resultByHealth,
  type RollbackHandle,
  runningIn,
  writeHandle,
} from './application.ts';
import { followRevert, type Git, gitSourceIn, handleOf, revertInGit } from './git.ts';
import { imageUpdater } from './image-updater.ts';
import { type ArgoOptions, attempt, blockingWindows, type Calls, endedWithHint } from './rest.ts';
import type { ArgoCdDeployer } from './schema.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

const DEFAULT_TOKEN = 'ARGOCD_TOKEN';

/**
 * Creates a deployer for an Argo CD application. Without automated sync, it rolls the application back to an explicit
 * history entry. Automated sync would undo that rollback at once, so with automated sync the deployer either reverts
 * Git or first switches automated sync off, as configured.
 *
 * @param options.git reverts the repository in `config.git`; undefined if `config.git` is not set
 */
export function argoCdDeployer(
  config: ArgoCdDeployer,
  options: {
    url: string;
    serviceEnvironment: ServiceEnvironment;
    secrets: Secrets;
    clock: Clock;
    git: GitReverter | undefined;
  },
): Deployer {
  const { url, serviceEnvironment, secrets, clock } = options;
  const tokenName = config.auth?.bearer ?? DEFAULT_TOKEN;
  const argo: ArgoOptions = {
    url,
    tokenName,
    token: () => secrets.get(tokenName),
    application: config.application ?? serviceEnvironment.service,
    project: config.project,
    appNamespace: config.appNamespace,
    clock,
  };
  const git = config.git && options.git && { config: config.git, reverter: options.git };
  const parts: Parts = { config, argo, git, clock };
  return {
    target: `Argo CD application ${argo.application} at ${withoutTrailingSlash(url)}`,
    resource: `argo-cd ${JSON.stringify([withoutTrailingSlash(url), config.appNamespace ?? null, argo.application])}`,
    // A repeated sync to the same deployment changes nothing. A commit by Firebreak is found by its key.
    effectClass: git && config.automatedSync === 'revert' ? 'findable' : 'convergent',
    rollBack: (request) => attempt(argo, (calls) => rollBack(calls, parts, request)),
    status: (handle, request) => attempt(argo, (calls) => status(calls, parts, handle, request)),
    async checkDrift(request) {
      return driftOrUnknown(await attempt(argo, (calls) => checkDrift(calls, git, request)));
    },
    imageAutomation: imageUpdater(argo, serviceEnvironment),
  };
}

/** What an attempt needs. `git`: undefined if the rollback does not revert Git. */
type Parts = { config: ArgoCdDeployer; argo: ArgoOptions; git: Git | undefined; clock: Clock };

/**
 * Checks in this order: whether the rollback is done or in progress, what runs, and whether the rollback is possible.
 */
async function rollBack(calls: Calls, parts: Parts, request: RollbackCall): Promise<TargetResponse> {
  const application = await calls.application();
  const target = findTarget(application, request);
  const isTarget = (deployment: Deployment | undefined) =>
    deployment !== undefined && target.kind === 'found' && isSameContent(deployment, target.deployment);

  const operation = operationInProgress(application);
  if (operation && !isTarget(operation.deployment))
    return { kind: 'busy', detail: `${application.metadata.name} is at ${describeOperation(operation)}` };
  const running = runningIn(application);
  if (target.kind === 'found' && (operation !== undefined || isTarget(running)))
    return follow(calls, parts.clock, handleFor(application, target.deployment), application);

  if (running === undefined)
    throw refuse(`${application.metadata.name} was never synced, so there is nothing to take back`);
  if (!isFrom(application, running, request)) {
    const ownRevert = await followOwnRevert(calls, parts, { application, running }, request);
    return ownRevert ?? { kind: 'superseded', current: displayName(running) };
  }
  if (target.kind === 'not_found') throw refuse(target.detail);
  return startRollback(calls, parts, { application, running, target: target.deployment }, request);
}

/** What runs in the application, and the deployment to restore. */
type RollbackPlan = { application: Application; running: Deployment; target: Deployment & { id: number } };

async function startRollback(
  calls: Calls,
  parts: Parts,
  plan: RollbackPlan,
  request: RollbackCall,
): Promise<TargetResponse> {
  const { config, git } = parts;
  const { name } = plan.application.metadata;
  const automated = isAutomated(plan.application);
  if (automated && config.automatedSync === 'revert') {
    if (git !== undefined) return revertInGit(calls, git, plan, request);
    throw refuse(
      `${name} has automated sync, which would undo a rollback. Set its repository in \`git\`, so that it is reverted ` +
        'there, or set `automatedSync: suspend`',
    );
  }
  const blockedBy = blockingWindows(await calls.windows(), 'manual');
  if (blockedBy !== null) throw refuse(`${name} cannot be synced now, not even manually: ${blockedBy}`);
  if (!automated) return rollBackTo(calls, parts, plan);
  await suspendAutomatedSync(calls, plan.application, request.key);
  const response = await rollBackTo(calls, parts, plan);
  return response.kind === 'refused'
    ? { ...response, detail: `${response.detail}. Automated sync was turned off for the rollback and is still off` }
    : response;
}

const ALREADY_IN_PROGRESS = /another operation is already in progress/;

async function rollBackTo(
  calls: Calls,
  { config, argo }: Parts,
  { application, target }: RollbackPlan,
): Promise<TargetResponse> {
  const response = await calls.rollBack(target.id, config.prune);
  if (response.kind === 'done') {
    const version = response.value.metadata.resourceVersion ?? null;
    return inProgress({ ...handleFor(application, target), version });
  }
  // Another operation started first. The next attempt checks whether it deploys the same target.
  if (response.kind === 'refused' && ALREADY_IN_PROGRESS.test(response.detail))
    return { kind: 'busy', detail: response.detail };
  return endedWithHint(response, argo).ending;
}

/** Checks whether the running deployment, which is not `from`, is the revert commit made with this key. */
async function followOwnRevert(
  calls: Calls,
  { config, git, clock }: Parts,
  { application, running }: Pick<RollbackPlan, 'application' | 'running'>,
  { key }: RollbackCall,
): Promise<TargetResponse | undefined> {
  if (git === undefined || config.automatedSync !== 'revert' || !isAutomated(application)) return undefined;
  const source = gitSourceIn(application, git.config);
  if ('notRevertible' in source) return undefined;
  const found = await git.reverter.find({ path: source.path, key });
  if (found === null) return undefined;
  if ('detail' in found) return found;
  if (found.sha === null || running.revisions[source.source] !== found.sha) return undefined;
  const handle = handleOf(application, source, found);
  return followRevert(calls, clock, git, { ...handle, after: (handle.after ?? 0) - 1 }, key);
}

async function status(calls: Calls, parts: Parts, text: string, request: RollbackCall): Promise<TargetResponse> {
  const handle = readHandle(text);
  if (handle === undefined) throw refuse('the handle of the rollback can no longer be read; check Argo CD');
  if (handle.by === 'rollback') return follow(calls, parts.clock, handle);
  if (parts.git === undefined)
    throw refuse(
      'a revert in Git was in progress, but `git` is no longer configured: check its outcome in Git and Argo CD',
    );
  return followRevert(calls, parts.clock, parts.git, handle, request.key);
}

/** The annotation with the previous setting of automated sync, for restoring it. */
const SUSPENDED_SYNC = 'firebreak/automated-sync';

const Suspended = z.object({ key: z.string() });

/**
 * Switches automated sync off, so that Argo CD accepts a rollback and keeps it.
 * @throws Ended if automated sync would be switched on again
 */
async function suspendAutomatedSync(calls: Calls, application: Application, key: string): Promise<void> {
  const { name, annotations } = application.metadata;
  const before = Suspended.safeParse(parseJson(annotations?.[SUSPENDED_SYNC] ?? ''));
  if (before.success && before.data.key === key)
    throw refuse(
      `automated sync of ${name} was turned off for this rollback, but another system has turned it on again`,
    );
  const parent = await restoringParent(calls, application);
  if (parent !== null)
    throw refuse(
      `automated sync of ${name} can't be turned off: ${parent}. Use \`automatedSync: revert\`, or let the parent ` +
        'ignore /spec/syncPolicy/automated (docs/how-to/argo-cd.md)',
    );
  const automated = application.spec.syncPolicy?.automated ?? {};
  const changed = await calls.patch({
    annotations: { [SUSPENDED_SYNC]: JSON.stringify({ key, automated }) },
    spec: { syncPolicy: { automated: null } },
  });
  if (isAutomated(changed)) throw refuse(`automated sync of ${name} is still on after it was turned off`);
}

/** Returns the handle of a rollback to `target`. */
const handleFor = (application: Application, target: Deployment & { id: number }): RollbackHandle => ({
  by: 'rollback',
  id: target.id,
  revisions: target.revisions,
  content: contentHash(target),
  after: newestHistoryId(application),
  health: application.status.health?.status ?? null,
  version: null,
});

const inProgress = (handle: RollbackHandle): TargetResponse => ({
  kind: 'in_progress',
  id: String(handle.id),
  handle: writeHandle(handle),
});

/** Returns the progress of a rollback. Refreshes the application if its health is older than the sync. */
async function follow(
  calls: Calls,
  clock: Clock,
  handle: RollbackHandle,
  lastRead?: Application,
): Promise<TargetResponse> {
  const application = lastRead ?? (await calls.application());
  const response = outcomeOf(application, handle);
  if (response !== 'synced') return response;
  const refreshed = isHealthFresh(application) ? application : await calls.application({ refresh: true });
  const outcome = outcomeOf(refreshed, handle);
  if (outcome !== 'synced') return outcome;
  return resultByHealth(refreshed, {
    before: handle.health,
    progress: inProgress(handle),
    id: String(handle.id),
    clock,
  });
}

/**
 * Returns the state of the rollback. Argo CD operations can't carry a key, so an operation is identified by its
 * content: an operation with the same content counts as this rollback, and an operation with other content supersedes
 * it.
 */
function outcomeOf(application: Application, handle: RollbackHandle): TargetResponse | 'synced' {
  if (isOlderVersion(application.metadata.resourceVersion, handle.version)) return inProgress(handle);
  const isOurs = (deployment: Deployment | undefined) =>
    deployment !== undefined && contentHash(deployment) === handle.content;
  const running = runningIn(application);
  const operation = operationInProgress(application);
  if (operation && isOurs(operation.deployment)) return inProgress(handle);
  if (operation)
    return isOurs(running) ? superseded(operation.deployment, operation) : replaced(describeOperation(operation));

  const last = application.status.operationState;
  if (last && hasFailed(last) && isOurs(deploymentOfState(application, last)))
    return { kind: 'failed', detail: truncate(failureOf(last), MESSAGE_MAX_CHARS) };
  if (isOurs(running)) return 'synced';
  const later = historyOf(application).filter(({ id }) => id !== null && id > (handle.after ?? -1));
  if (running !== undefined && later.some(isOurs)) return { kind: 'superseded', current: displayName(running) };
  return replaced(running === undefined ? 'nothing' : `a sync to ${displayName(running)}`);
}

const superseded = (
  brings: Deployment | undefined,
  operation: Parameters<typeof describeOperation>[0],
): TargetResponse => ({
  kind: 'superseded',
  current: brings === undefined ? describeOperation(operation) : displayName(brings),
});

const replaced = (what: string): TargetResponse => ({
  kind: 'failed',
  detail: `Argo CD no longer shows the rollback: ${what} replaced it before it ended`,
});

/** Compares resource versions that are numbers, as in practice in Kubernetes. Other versions can't be compared. */
function isOlderVersion(lastRead: string | null | undefined, than: string | null): boolean {
  if (!lastRead || than === null || !/^\d+$/.test(lastRead) || !/^\d+$/.test(than)) return false;
  return BigInt(lastRead) < BigInt(than);
}

/**
 * The tracking annotation and labels that name the application of an object. The last label is the default before Argo
 * CD 3.
 */
const TRACKING_ID = 'argocd.argoproj.io/tracking-id';

const INSTANCE_LABELS = ['argocd.argoproj.io/instance', 'app.kubernetes.io/instance'];

/**
 * Returns a text that names the parent that would restore the Application's sync policy; null if there is none.
 * @see https://argo-cd.readthedocs.io/en/stable/operator-manual/cluster-bootstrapping/
 */
async function restoringParent(calls: Calls, application: Application): Promise<string | null> {
  const set = application.metadata.ownerReferences?.find(({ kind }) => kind === 'ApplicationSet');
  if (set) return `the ApplicationSet ${set.name} generates it and would undo the change`;
  const parent = parentOf(application);
  if (parent === undefined) return null;
  const found = await calls.otherApplication(parent.name, parent.namespace);
  if (found === undefined)
    return `it belongs to the application ${parent.name}, which can't be read and may undo the change`;
  return restoresSyncPolicy(found)
    ? `it belongs to the application ${parent.name}, whose automated sync would undo the change`
    : null;
}

type ApplicationName = { name: string; namespace: string | undefined };

function parentOf({ metadata }: Application): ApplicationName | undefined {
  const { name, annotations, labels } = metadata;
  const [parent, kind, object] = (annotations?.[TRACKING_ID] ?? '').split(':');
  // An annotation that was copied from another object still names that object.
  if (parent && kind === 'argoproj.io/Application' && object?.split('/').at(-1) === name)
    return parseTrackedName(parent);
  const instance = INSTANCE_LABELS.map((key) => annotations?.[key] ?? labels?.[key]).find(Boolean);
  return instance === undefined || instance === name ? undefined : parseTrackedName(instance);
}

/** Parses a tracked name. Applications outside Argo CD's own namespace are tracked as `namespace_name`. */
function parseTrackedName(text: string): ApplicationName {
  const separator = text.indexOf('_');
  return separator === -1
    ? { name: text, namespace: undefined }
    : { name: text.slice(separator + 1), namespace: text.slice(0, separator) };
}

const SYNC_POLICY_POINTERS = ['/spec', '/spec/syncPolicy', '/spec/syncPolicy/automated'];

/**
 * Returns whether the parent's automated sync overwrites the sync policy. `ignoreDifferences` prevents that only with
 * the sync option `RespectIgnoreDifferences`.
 */
function restoresSyncPolicy({ spec }: Application): boolean {
  const automated = spec.syncPolicy?.automated;
  if (!automated || automated.enabled === false) return false;
  const isRespected = spec.syncPolicy?.syncOptions?.includes('RespectIgnoreDifferences=true') === true;
  const isIgnored = (spec.ignoreDifferences ?? []).some(
    ({ group, kind, jsonPointers }) =>
      (kind === 'Application' || kind === '*') &&
      (group === '*' || group === 'argoproj.io') &&
      (jsonPointers ?? []).some((pointer) => SYNC_POLICY_POINTERS.includes(pointer)),
  );
  return !(isRespected && isIgnored);
}

/**
 * Checks whether the result of a rollback still runs. Manual changes in the cluster are not detected, because the
 * application differs from Git after a rollback anyway.
 */
async function checkDrift(calls: Calls, git: Git | undefined, request: RollbackCall): Promise<DriftCheck> {
  const application = await calls.application();
  const operation = operationInProgress(application);
  const running = runningIn(application);
  const target = findTarget(application, request);
  const isTarget = (deployment: Deployment | undefined) =>
    deployment !== undefined && target.kind === 'found' && isSameContent(deployment, target.deployment);
  if (running === undefined) return { kind: 'unknown', detail: `${application.metadata.name} was never synced` };

  if (isTarget(running)) {
    if (operation && !isTarget(operation.deployment)) return drifted(`${describeOperation(operation)} is in progress`);
    if (isAutomated(application) && application.status.sync?.status !== 'Synced')
      return drifted('automated sync is on, and will undo it');
    return { kind: 'holds' };
  }
  if (git !== undefined && isAutomated(application)) return checkRevert(application, running, git, request);
  return target.kind === 'found' ? drifted(`${displayName(running)} runs`) : { kind: 'unknown', detail: target.detail };
}

const drifted = (detail: string): DriftCheck => ({ kind: 'drifted', detail });

/** Checks a rollback by a revert in Git, which runs a commit of its own. */
async function checkRevert(
  application: Application,
  running: Deployment,
  { config, reverter }: Git,
  { key }: RollbackCall,
): Promise<DriftCheck> {
  const overwritten = drifted(`${displayName(running)} runs`);
  const source = gitSourceIn(application, config);
  const revert = 'notRevertible' in source ? null : await reverter.find({ path: source.path, key });
  if (revert === null) return overwritten;
  if ('detail' in revert) return { kind: 'unknown', detail: revert.detail };
  return revert.sha !== null && running.revisions.includes(revert.sha) ? { kind: 'holds' } : overwritten;
}
