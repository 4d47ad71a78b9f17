import { serviceEntry } from '../../domain/catalogue/catalogue.ts';
import { repositoryPathOf } from '../../domain/catalogue/repositories.ts';
import { patchOfReport } from '../../domain/changes/rollout.ts';
import { byStart, putsVersionLive } from '../../domain/changes/versions.ts';
import { commitsWithin, deployedCommits } from '../../domain/changes/code.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { CodeHistory } from '../../domain/ports/changes.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { Push } from '../../../schemas/changes/code.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';

type CommitDeps = Pick<Deps, 'changes' | 'config'> & { code: CodeHistory };

/** How many changes before a deployment are searched for the commit that ran until then. */
const CHANGES_READ = 50;

/**
 * Adds the time of a change's commit, and the commits since the one that ran before, from the pushes to the service's
 * repository. What is known already stays. Without all pushes in between, no commits are added, and none to the first
 * deployment that is recorded.
 */
export async function addCommits({ changes, config, code }: CommitDeps, change: Change): Promise<Change> {
  const { commit, committed_at, commits, version, status } = change;
  if (commit === null || !putsVersionLive(change) || (committed_at !== null && commits.length > 0)) return change;
  const entry = serviceEntry((await config.current()).services, change.service);
  if (entry?.repository === undefined) return change;
  const pushes = await code.pushes(repositoryPathOf(entry.repository));
  if (pushes.length === 0) return change;
  const before = (await changes.recent(change, CHANGES_READ)).findLast(
    (other) => putsVersionLive(other) && other.status === 'succeeded' && byStart(other, change) < 0,
  );
  const found = deployedCommits(pushes, commit, before?.commit ?? null);
  if (found === undefined) return change;
  const serviceCommits = commitsWithin(found.commits ?? [], entry.path);
  const added = patchOfReport(change, {
    version,
    status,
    committed_at: found.committed_at,
    commits: serviceCommits.map(({ sha, committed_at: at }) => ({ sha, committed_at: at })),
  });
  const patched = added && (await changes.patch(change.id, added));
  return patched === undefined || patched === 'ended' ? change : patched;
}

/** Stores a push, and adds its commits to deployments that were reported before it arrived. */
export async function recordPush(deps: CommitDeps, push: Push): Promise<void> {
  await deps.code.push(push);
  const { services } = await deps.config.current();
  const shas = new Set([push.after, ...push.commits.map(({ sha }) => sha)]);
  for (const [service, { repository, environments }] of Object.entries(services)) {
    if (repository === undefined || repositoryPathOf(repository) !== push.repository) continue;
    for (const environment of Object.keys(environments)) {
      const serviceEnvironment = {
        service: ServiceName.parse(service),
        environment: EnvironmentName.parse(environment),
      };
      const recent = await deps.changes.recent(serviceEnvironment, CHANGES_READ);
      for (const change of recent.filter(({ commit }) => commit !== null && shas.has(commit)))
        await addCommits(deps, change);
    }
  }
}
