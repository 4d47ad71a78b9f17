import * as z from 'zod';
import { refuse, retryLater } from '../shared/refusals.ts';
import { type Calls, ended } from './rest.ts';

const Run = z.object({
  id: z.number(),
  name: z.string().nullish(),
  workflow_id: z.number(),
  run_attempt: z.number().default(1),
  event: z.string(),
  head_branch: z.string().nullable(),
  head_sha: z.string(),
  status: z.string().nullable(),
  conclusion: z.string().nullable(),
  html_url: z.string(),
  created_at: z.string().transform(Date.parse),
  run_started_at: z.string().transform(Date.parse).optional(),
  updated_at: z.string().transform(Date.parse),
});

/**
 * One attempt of a workflow run. `created_at` is the time of the first attempt. Times are milliseconds since the Unix
 * epoch.
 */
export type Run = z.infer<typeof Run>;

const Runs = z.object({ workflow_runs: z.array(Run) });

/** Returns the newest attempt; undefined if the run was deleted. */
export const readRun = (calls: Calls, id: number): Promise<Run | undefined> => calls.find(`/actions/runs/${id}`, Run);

export const readRunAttempt = (calls: Calls, id: number, attempt: number): Promise<Run> =>
  calls.get(`/actions/runs/${id}/attempts/${attempt}`, Run);

const query = async (calls: Calls, path: string, parameters: Record<string, string>): Promise<Run[]> =>
  (await calls.get(`${path}?${new URLSearchParams({ ...parameters, per_page: '50' }).toString()}`, Runs)).workflow_runs;

export const runsOfCommit = (calls: Calls, sha: string): Promise<Run[]> =>
  query(calls, '/actions/runs', { head_sha: sha });

/**
 * Returns other runs of the same workflow, branch, and event that are in progress or queued. Runs that wait for an
 * approval or for a concurrency group change nothing yet; runs for pull requests deploy elsewhere.
 */
export async function otherActiveRuns(calls: Calls, run: Run): Promise<Run[]> {
  const found = await Promise.all(
    ['in_progress', 'queued'].map((status) =>
      query(calls, `/actions/workflows/${run.workflow_id}/runs`, {
        status,
        event: run.event,
        ...(run.head_branch !== null && { branch: run.head_branch }),
      }),
    ),
  );
  return found.flat().filter(({ id }) => id !== run.id);
}

/**
 * The maximum age of a run that GitHub re-runs, in days.
 * @see https://docs.github.com/en/actions/how-tos/manage-workflow-runs/re-run-workflows-and-jobs
 */
export const RERUN_MAX_DAYS = 30;

const Ignored = z.unknown();

/**
 * Re-runs all jobs at the same commit. GitHub refuses a re-run while the run is in progress, so two re-runs can't
 * overlap.
 */
export async function rerun(calls: Calls, id: number): Promise<void> {
  const response = await calls.write('POST', `/actions/runs/${id}/rerun`, {}, Ignored);
  if (response.kind === 'done') return;
  const isForbidden = response.kind === 'refused' && response.code === 'forbidden';
  if (isForbidden && /already running/i.test(response.detail)) throw retryLater(response.detail); // the next attempt finds it
  if (isForbidden && /month ago|cannot be r/i.test(response.detail))
    throw refuse(`${response.detail}; ${REVERT_INSTEAD}`);
  throw ended(response);
}

export const REVERT_INSTEAD = 'set via: revert to revert the branch instead';
