import type { Change } from '../../../schemas/changes/change.ts';
import type { ChangeSources } from '../../../schemas/config/config.ts';
import type { DeployerConfig } from '../../../schemas/rollback/targets.ts';
import type { Push, PushedCommit } from '../../../schemas/changes/code.ts';
import { repositoryPathOf } from '../catalogue/repositories.ts';
import { partsOfImage } from './images.ts';
import { isOfDeployRepository } from './version-identity.ts';

/** `repository`: its path, in lowercase. `path`: the folder of the service and environment. Null: the whole repository. */
type DeployRepository = { repository: string; path: string | null };

/**
 * Returns the repository that has the version to deploy in an environment. A deployer that reverts there names it.
 */
export function deployRepositoryOf({
  sources,
  deployer,
}: {
  sources?: ChangeSources | undefined;
  deployer?: DeployerConfig | undefined;
}): DeployRepository | undefined {
  const named = sources?.deployRepository ?? (deployer?.kind === 'argo-cd' ? deployer.git : undefined);
  return named && { repository: repositoryPathOf(named.repository), path: named.path ?? null };
}

/**
 * Returns the commit by which the deployer knows what a change deployed. Argo CD knows the commits of the repository that
 * it applies. All others only know those of the application; a revert can be one in either.
 */
export function commitForDeployer(
  change: Pick<Change, 'version' | 'commit' | 'deploy_commit' | 'reported_by'>,
  deployer: DeployerConfig | undefined,
): string | null {
  const { commit, deploy_commit: applied } = change;
  if (deployer?.kind === 'argo-cd') return applied ?? commit;
  return !restoresByRevert(deployer) && isOfDeployRepository(change) ? null : commit;
}

/** Returns whether the deployer knows versions only by their names, so that it chooses the commit of a branch by itself. */
export const knowsNamesOnly = (deployer: DeployerConfig | undefined): boolean =>
  deployer?.kind === 'http' && deployer.commits !== true;

/** Returns whether the deployer restores a version by a new commit of the application, so that this commit runs then. */
export const restoresByRevert = (deployer: DeployerConfig | undefined): boolean =>
  deployer?.kind === 'github' && deployer.via === 'revert';

/**
 * Returns the commit that decides what a revision of the repository deploys: the newest one up to the revision that
 * changes a file of the folder. Merges with the default message are left out, because they say nothing about the files.
 * Undefined: a push in between, or the files of a commit, are not known.
 *
 * @param pushes newest first
 */
export function decidingCommit(
  pushes: readonly Push[],
  revision: string,
  folder: string | null,
): PushedCommit | undefined {
  for (const last of pushes) {
    const index = last.commits.findIndex(({ sha }) => sha === revision);
    const found = index < 0 ? undefined : newestIn(pushes, last, index, folder);
    if (found !== undefined) return found;
  }
  return undefined;
}

function newestIn(pushes: readonly Push[], last: Push, index: number, folder: string | null): PushedCommit | undefined {
  const prefix = folder === null ? '' : `${folder.replace(/(?<!\/)\/+$/, '')}/`;
  const seen = new Set<Push>();
  let push: Push | undefined = last;
  while (push !== undefined && !seen.has(push)) {
    seen.add(push);
    const { branch, before, commits, truncated }: Push = push;
    for (const commit of commits.slice(0, push === last ? index + 1 : undefined).toReversed()) {
      if (commit.is_merge === true) continue;
      if (folder === null) return commit;
      if (commit.paths === null) return undefined;
      if (commit.paths.some((path) => path.startsWith(prefix))) return commit;
    }
    if (truncated || before === null) return undefined;
    push = pushes.find((other) => other.branch === branch && other.after === before);
  }
  return undefined;
}

/**
 * Returns the image of the service and the commit of its repository that a commit of the repository for deployments
 * names. Null: it names none, or several.
 */
export function deployedByCommit(
  { names }: PushedCommit,
  { images, repository }: { images: readonly string[]; repository: string | undefined },
): { image: string | null; commit: string | null } {
  const ownImages = new Set(names?.images.filter((reference) => images.includes(partsOfImage(reference).image)));
  const path = repository === undefined ? undefined : repositoryPathOf(repository);
  const commits = new Set(
    names?.commits.filter((commitName) => commitName.repository === path).map(({ commit }) => commit),
  );
  return { image: singleOf(ownImages), commit: singleOf(commits) };
}

const singleOf = (names: ReadonlySet<string>): string | null => (names.size === 1 ? ([...names][0] ?? null) : null);
