import * as z from 'zod';
import type { RollbackCall } from '../../core/domain/rollback/targets.ts';
import { refuse } from '../shared/refusals.ts';
import { fromVersion, toVersion, type VersionOrCommit } from '../shared/versions.ts';
import type { Calls, GithubOptions } from './rest.ts';

/**
 * Deployments per page, and maximum pages. Reads further pages only while no deployment on the previous ones has
 * succeeded.
 */
const PAGE_ITEMS = 10;

const PAGES_MAX = 5;

const RestDeployment = z.object({
  id: z.number(),
  sha: z.string(),
  ref: z.string(),
});

const Status = z.object({
  id: z.number(),
  state: z.string(),
  created_at: z.string().transform(Date.parse),
  log_url: z.string().nullish(),
  target_url: z.string().nullish(),
});

type Status = z.infer<typeof Status>;

/** A deployment with its status. Times are milliseconds since the Unix epoch. */
export type Deployment = {
  id: number;
  sha: string;
  /** The branch, tag, or commit in the deployment request. */
  ref: string;
  /** The newest status: `success`, `inactive` (succeeded earlier), `in_progress`, …; null if there is none. */
  state: string | null;
  /** The time of the last success. */
  succeededAt: number | null;
  /** The workflow run that created it, if its statuses link to one. */
  runId: number | null;
};

/**
 * Reads the newest deployments of an environment, back to one that has succeeded, and earlier deployments of `wanted`
 * if no newer one has succeeded. `running` is the deployment with the latest success, which is not always the newest
 * deployment; undefined if none of the read deployments has succeeded.
 * @see https://docs.github.com/en/rest/deployments (statuses are kept for 90 days)
 */
async function readEnvironment(
  calls: Calls,
  environment: string,
  wanted: readonly VersionOrCommit[],
): Promise<{ deployments: Deployment[]; running: Deployment | undefined }> {
  const recent = await readRecent(calls, environment);
  const succeeded = recent.filter(hasSucceeded);
  const missing = wanted.filter((version) => !succeeded.some((deployment) => isDeploymentOf(version, deployment)));
  const filters = missing.flatMap(filtersFor);
  const older = await Promise.all(filters.map((filter) => readPage(calls, { environment, ...filter })));
  const deployments = [
    ...new Map([...recent, ...older.flat()].map((deployment) => [deployment.id, deployment])).values(),
  ];
  // An earlier deployment doesn't show what has run since.
  return { deployments, running: succeeded.length > 0 ? lastSuccess(deployments) : undefined };
}

async function readRecent(calls: Calls, environment: string): Promise<Deployment[]> {
  const recent: Deployment[] = [];
  for (let page = 1; page <= PAGES_MAX; page += 1) {
    const found = await readPage(calls, { environment, page: String(page) });
    recent.push(...found);
    if (found.length < PAGE_ITEMS || found.some(hasSucceeded)) break;
  }
  return recent;
}

const hasSucceeded = ({ succeededAt }: Deployment): boolean => succeededAt !== null;

const lastSuccess = (deployments: readonly Deployment[]): Deployment | undefined =>
  deployments
    .filter(hasSucceeded)
    .toSorted((one, other) => (other.succeededAt ?? 0) - (one.succeededAt ?? 0) || other.id - one.id)[0];

/** Reads one page, with the statuses of each deployment. */
async function readPage(calls: Calls, query: Record<string, string>): Promise<Deployment[]> {
  const parameters = new URLSearchParams({ ...query, per_page: String(PAGE_ITEMS) });
  const found = await calls.get(`/deployments?${parameters.toString()}`, z.array(RestDeployment));
  return Promise.all(found.map((deployment) => withStatuses(calls, deployment)));
}

/** Returns the queries for a version. GitHub filters by a full commit SHA or by the requested ref. */
const filtersFor = ({ version, commit }: VersionOrCommit): Record<string, string>[] => [
  ...[version, commit].filter((id) => id !== null && isFullSha(id)).map((sha) => ({ sha: String(sha).toLowerCase() })),
  ...(isFullSha(version) ? [] : [{ ref: version }]),
];

const isFullSha = (id: string): boolean => /^[0-9a-f]{40}$/i.test(id);

async function withStatuses(calls: Calls, { id, sha, ref }: z.infer<typeof RestDeployment>): Promise<Deployment> {
  const statuses = await calls.get(`/deployments/${id}/statuses?per_page=100`, z.array(Status));
  const newestFirst = statuses.toSorted((one, other) => other.id - one.id);
  const success = newestFirst.find(({ state }) => state === 'success');
  return {
    id,
    sha,
    ref,
    state: newestFirst[0]?.state ?? null,
    succeededAt: success?.created_at ?? null,
    runId: newestFirst.map(runOf).find((run) => run !== null) ?? null,
  };
}

/** Reads the run ID from `…/actions/runs/6789012345/job/…` in either URL. */
function runOf({ log_url, target_url }: Status): number | null {
  const [run] = [log_url, target_url].flatMap(
    (url) => /\/actions\/runs\/(\d{1,15})(?:\/|$)/.exec(url ?? '')?.[1] ?? [],
  );
  return run === undefined ? null : Number(run);
}

/**
 * Returns whether the deployment deployed this version. A commit SHA can be abbreviated to at least 7 digits. A ref can be a
 * branch, so a known commit decides.
 */
export const isDeploymentOf = (
  { version, commit }: VersionOrCommit,
  { sha, ref }: Pick<Deployment, 'sha' | 'ref'>,
): boolean => {
  if (matchesSha(version, sha) || (commit !== null && matchesSha(commit, sha))) return true;
  const isRef = ref === version || ref === `refs/tags/${version}`;
  return isRef && (commit === null || !isSha(commit));
};

/** Returns whether this is the commit of a deployment, in full or abbreviated. */
export const matchesSha = (id: string, sha: string): boolean => isSha(id) && sha.startsWith(id.toLowerCase());

const isSha = (id: string): boolean => /^[0-9a-f]{7,40}$/i.test(id);

/** Without deployments that wait for an approval, which change nothing until it is given. */
const IN_PROGRESS: readonly (string | null)[] = ['pending', 'queued', 'in_progress'];

/** Returns the deployments after `running` that are in progress. Older ones are abandoned. */
export const inProgressAfter = (deployments: readonly Deployment[], running: Deployment): Deployment[] =>
  deployments.filter(({ id, state }) => id > running.id && IN_PROGRESS.includes(state));

/** Returns a name to display. */
export const displayName = ({ sha, ref }: Deployment): string => (ref === sha ? sha : `${ref} at ${sha.slice(0, 12)}`);

/** An environment of a repository, which has the deployments, and the access to GitHub. */
export type GithubEnvironment = GithubOptions & {
  /** `owner/name`. */
  repository: string;
  /** The name at GitHub. */
  environment: string;
};

/** The newest deployments of an environment, finished and in progress, and the one that runs. */
export type EnvironmentState = { deployments: Deployment[]; running: Deployment };

/** Reads the running deployment and the others, finished and in progress. */
export async function readEnvironmentState(
  calls: Calls,
  { environment }: Pick<GithubEnvironment, 'environment'>,
  request: RollbackCall,
  wanted: readonly VersionOrCommit[] = [],
): Promise<EnvironmentState> {
  const { deployments, running } = await readEnvironment(calls, environment, wanted);
  if (running === undefined)
    throw refuse(
      `none of the newest deployments to ${environment} has succeeded, so GitHub can't tell what runs there`,
    );
  if (isDeploymentOf(toVersion(request), running) && isDeploymentOf(fromVersion(request), running))
    throw refuse(
      `${request.from} and ${request.to} are the same commit ${running.sha}, so a redeployment would change nothing`,
    );
  return { deployments, running };
}
