import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { Clock, Secrets } from '../../core/domain/ports/system.ts';
import type { TargetResponse, Deployer, RollbackCall } from '../../core/domain/rollback/targets.ts';
import type { ArgoCdDeployer } from './schema.ts';
import type { GitReverter } from '../github/revert/revert.ts';
import { withoutTrailingSlash } from '../shared/client.ts';
import { type Application, isAutomated } from './application.ts';
import { type Deployment, isSameContent, displayName, runningIn } from './deployments.ts';
import { revertInGit, followRevert, type Git, handleOf } from './git.ts';
import { gitSourceIn } from './git-source.ts';
import { readHandle } from './handle.ts';
import { imageUpdater } from './image-updater.ts';
import { checkDrift } from './drift.ts';
import { describeOperation, operationInProgress } from './operations.ts';
import { follow, handleFor, inProgress } from './progress.ts';
import { driftOrUnknown, refuse } from '../shared/refusals.ts';
import { type ArgoOptions, attempt, type Calls, endedWithHint } from './rest.ts';
import { findTarget, isFrom } from './versions.ts';
import { blockingWindows } from './windows.ts';
import * as z from 'zod';
import { parseJson } from '../shared/http.ts';
import { restoringParent } from './parent-applications.ts';

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
