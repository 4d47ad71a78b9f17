import { z } from 'zod';
import type { Calls } from './attempt.ts';

/** As many of the newest are looked at: what runs, and what is under way, is among them. */
const NEWEST = 10;

const Deployment = z.object({
  id: z.number(),
  sha: z.string(),
  ref: z.string(),
  created_at: z.string().transform(Date.parse),
});
const Status = z.object({
  id: z.number(),
  state: z.string(),
  created_at: z.string().transform(Date.parse),
  log_url: z.string().nullish(),
  target_url: z.string().nullish(),
});
type Status = z.infer<typeof Status>;

/** Times are milliseconds since the Unix epoch. */
export type Deployment = {
  id: number;
  sha: string;
  /** The branch, tag or commit that it was asked for. */
  ref: string;
  createdAt: number;
  /** Of its newest status: `success`, `inactive` (was a success once), `in_progress`, …; null: it has none. */
  state: string | null;
  /** When it has last succeeded. */
  succeededAt: number | null;
  /** The workflow run that made it, where its statuses name one. */
  runId: number | null;
};

/** A version, by its name or by its commit. */
export type Wanted = { version: string; commit: string | null };

/**
 * The newest deployments of an environment, and those of the versions in `wanted`, if they are further back.
 * @see https://docs.github.com/en/rest/deployments (statuses are kept for 90 days)
 */
export async function readEnvironment(
  calls: Calls,
  environment: string,
  wanted: readonly Wanted[] = [],
): Promise<Deployment[]> {
  const newest = await list(calls, { environment, per_page: String(NEWEST) });
  const missing = wanted.filter((each) => !newest.some((deployment) => isOf(each, deployment)));
  const queries = missing.flatMap(filtersFor).map((filter) => ({ environment, ...filter, per_page: String(NEWEST) }));
  const older = await Promise.all(queries.map((query) => list(calls, query)));
  const all = new Map([...newest, ...older.flat()].map((deployment) => [deployment.id, deployment]));
  return Promise.all([...all.values()].map((deployment) => withStatuses(calls, deployment)));
}

const list = (calls: Calls, query: Record<string, string>) =>
  calls.get(`/deployments?${new URLSearchParams(query).toString()}`, z.array(Deployment));

/** GitHub filters by a whole commit id, or by the name that was asked for. */
const filtersFor = ({ version, commit }: Wanted): Record<string, string>[] => [
  ...[version, commit].filter((id) => id !== null && isWhole(id)).map((sha) => ({ sha: String(sha).toLowerCase() })),
  ...(isWhole(version) ? [] : [{ ref: version }]),
];

const isWhole = (id: string): boolean => /^[0-9a-f]{40}$/i.test(id);

async function withStatuses(
  calls: Calls,
  { id, sha, ref, created_at }: z.infer<typeof Deployment>,
): Promise<Deployment> {
  const statuses = await calls.get(`/deployments/${id}/statuses?per_page=100`, z.array(Status));
  const newestFirst = statuses.toSorted((one, other) => other.id - one.id);
  const success = newestFirst.find(({ state }) => state === 'success');
  return {
    id,
    sha,
    ref,
    createdAt: created_at,
    state: newestFirst[0]?.state ?? null,
    succeededAt: success?.created_at ?? null,
    runId: newestFirst.map(runOf).find((run) => run !== null) ?? null,
  };
}

/** `…/actions/runs/6789012345/job/…` */
function runOf({ log_url, target_url }: Status): number | null {
  const run = /\/actions\/runs\/(\d{1,15})(?:\/|$)/.exec(
    `${log_url ?? ''} ${target_url ?? ''}`.split(' ').find((url) => url.includes('/actions/runs/')) ?? '',
  )?.[1];
  return run === undefined ? null : Number(run);
}

/** Whether it deployed this version. A commit's id may be shortened, to seven digits at least. */
export const isOf = ({ version, commit }: Wanted, { sha, ref }: Pick<Deployment, 'sha' | 'ref'>): boolean =>
  ref === version ||
  ref === `refs/tags/${version}` ||
  isShaOf(version, sha) ||
  (commit !== null && isShaOf(commit, sha));

const isShaOf = (id: string, sha: string): boolean => /^[0-9a-f]{7,40}$/i.test(id) && sha.startsWith(id.toLowerCase());

/** What runs: the one that has succeeded last. That one which was made last may still wait, or have failed. */
export const runningOf = (deployments: readonly Deployment[]): Deployment | undefined =>
  deployments
    .filter(({ succeededAt }) => succeededAt !== null)
    .toSorted((one, other) => (other.succeededAt ?? 0) - (one.succeededAt ?? 0) || other.id - one.id)[0];

/** Not those that wait for somebody's approval: they change nothing before it comes. */
const AT_WORK: readonly (string | null)[] = ['pending', 'queued', 'in_progress'];

/** Those that will change what runs, made after it. Older ones have been given up. */
export const atWork = (deployments: readonly Deployment[], running: Deployment): Deployment[] =>
  deployments.filter(({ id, state }) => id > running.id && AT_WORK.includes(state));

/** For people. */
export const named = ({ sha, ref }: Deployment): string => (ref === sha ? sha : `${ref} at ${sha.slice(0, 12)}`);
