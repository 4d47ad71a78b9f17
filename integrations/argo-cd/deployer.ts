import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Clock, Secrets } from '../../domain/ports/system.ts';
import type { TargetResponse, Deployer, RollbackCall } from '../../domain/rollback/targets.ts';
import type { ArgoCdDeployer } from '../../schemas/rollback/targets/argo-cd.ts';
import type { GitReverter } from '../github/revert/revert.ts';
import { withoutSlash } from '../shared/client.ts';
import { type Application, isAutomated } from './application.ts';
import { type Deployment, isSame, nameOf, runningIn } from './deployments.ts';
import { bringBack, followGit, type Git, handleIn } from './git.ts';
import { gitSourceIn } from './git-source.ts';
import { readHandle } from './handle.ts';
import { imageUpdater } from './image-updater.ts';
import { checkDrift } from './drift.ts';
import { describe, operationInProgress } from './operations.ts';
import { follow, handleFor, inProgress } from './progress.ts';
import { heldOr, refuse } from '../shared/refusals.ts';
import { type ArgoOptions, attempt, type Calls, ended } from './rest.ts';
import { suspend } from './suspend.ts';
import { find, isFrom } from './versions.ts';
import { blocking } from './windows.ts';

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
    target: `Argo CD application ${argo.application} at ${withoutSlash(url)}`,
    resource: `argo-cd ${JSON.stringify([withoutSlash(url), config.appNamespace ?? null, argo.application])}`,
    // A repeated sync to the same deployment changes nothing. A commit by Firebreak is found by its key.
    effectClass: git && config.automatedSync === 'revert' ? 'findable' : 'convergent',
    rollBack: (request) => attempt(argo, (calls) => rollBack(calls, parts, request)),
    status: (handle, request) => attempt(argo, (calls) => status(calls, parts, handle, request)),
    async checkDrift(request) {
      return heldOr(await attempt(argo, (calls) => checkDrift(calls, git, request)));
    },
    imageAutomation: imageUpdater(argo, serviceEnvironment),
  };
}

type Parts = { config: ArgoCdDeployer; argo: ArgoOptions; git: Git | undefined; clock: Clock };

/**
 * Checks in this order: whether the rollback is done or in progress, what runs, and whether the rollback is possible.
 */
async function rollBack(calls: Calls, parts: Parts, request: RollbackCall): Promise<TargetResponse> {
  const application = await calls.application();
  const target = find(application, request);
  const isTarget = (deployment: Deployment | undefined) =>
    deployment !== undefined && target.kind === 'found' && isSame(deployment, target.deployment);

  const operation = operationInProgress(application);
  if (operation && !isTarget(operation.brings))
    return { kind: 'busy', detail: `${application.metadata.name} is at ${describe(operation)}` };
  const running = runningIn(application);
  if (target.kind === 'found' && (operation !== undefined || isTarget(running)))
    return follow(calls, parts.clock, handleFor(application, target.deployment), application);

  if (running === undefined)
    throw refuse(`${application.metadata.name} was never synced, so there is nothing to take back`);
  if (!isFrom(application, running, request)) {
    const ours = await ownCommit(calls, parts, { application, running }, request);
    return ours ?? { kind: 'superseded', current: nameOf(running) };
  }
  if (target.kind === 'not_found') throw refuse(target.detail);
  return begin(calls, parts, { application, running, target: target.deployment }, request);
}

type Way = { application: Application; running: Deployment; target: Deployment & { id: number } };

async function begin(calls: Calls, parts: Parts, method: Way, request: RollbackCall): Promise<TargetResponse> {
  const { config, git } = parts;
  const { name } = method.application.metadata;
  const automated = isAutomated(method.application);
  if (automated && config.automatedSync === 'revert') {
    if (git !== undefined) return bringBack(calls, git, method, request);
    throw refuse(
      `${name} has automated sync, which would undo a rollback. Set its repository in \`git\`, so that it is reverted ` +
        'there, or set `automatedSync: suspend`',
    );
  }
  const closed = blocking(await calls.windows(), 'by hand');
  if (closed !== null) throw refuse(`${name} cannot be synced now, not even manually: ${closed}`);
  if (!automated) return rollBackTo(calls, parts, method);
  await suspend(calls, method.application, request.key);
  const answer = await rollBackTo(calls, parts, method);
  return answer.kind === 'refused'
    ? { ...answer, detail: `${answer.detail}. Automated sync was turned off for the rollback and is still off` }
    : answer;
}

const ALREADY = /another operation is already in progress/;

async function rollBackTo(
  calls: Calls,
  { config, argo }: Parts,
  { application, target }: Way,
): Promise<TargetResponse> {
  const answer = await calls.rollBack(target.id, config.prune);
  if (answer.kind === 'done') {
    const version = answer.value.metadata.resourceVersion ?? null;
    return inProgress({ ...handleFor(application, target), version });
  }
  // Another operation started first. The next attempt checks whether it deploys the same target.
  if (answer.kind === 'refused' && ALREADY.test(answer.detail)) return { kind: 'busy', detail: answer.detail };
  return ended(answer, argo).ending;
}

/** Checks whether the running deployment, which is not `from`, is the revert commit made with this key. */
async function ownCommit(
  calls: Calls,
  { config, git, clock }: Parts,
  { application, running }: Pick<Way, 'application' | 'running'>,
  { key }: RollbackCall,
): Promise<TargetResponse | undefined> {
  if (git === undefined || config.automatedSync !== 'revert' || !isAutomated(application)) return undefined;
  const source = gitSourceIn(application, git.config);
  if ('notRevertible' in source) return undefined;
  const found = await git.reverter.find({ path: source.path, key });
  if (found === null) return undefined;
  if ('detail' in found) return found;
  if (found.sha === null || running.revisions[source.source] !== found.sha) return undefined;
  const handle = handleIn(application, source, found);
  return followGit(calls, clock, git, { ...handle, after: (handle.after ?? 0) - 1 }, key);
}

async function status(calls: Calls, parts: Parts, text: string, request: RollbackCall): Promise<TargetResponse> {
  const handle = readHandle(text);
  if (handle === undefined) throw refuse('the handle of the rollback can no longer be read; check Argo CD');
  if (handle.by === 'rollback') return follow(calls, parts.clock, handle);
  if (parts.git === undefined)
    throw refuse(
      'a revert in Git was in progress, but `git` is no longer configured: check its outcome in Git and Argo CD',
    );
  return followGit(calls, parts.clock, parts.git, handle, request.key);
}
