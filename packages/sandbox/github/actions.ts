import * as z from 'zod';
import { openDeployments } from './deployments.ts';
import { documents } from '../core/exchanges.ts';
import type { StandInDeps } from '../core/stand-in.ts';

/** Settings of the workflow; each repository has one. Settings that are not given keep their defaults. */
export const ActionSettings = z.strictObject({
  /** Whether a push to `branch` runs the workflow. */
  on_push: z.boolean().default(true),
  branch: z.string().min(1).default('main'),
  /** The environment to deploy to. */
  environment: z.string().min(1).default('production'),
  /** Duration of a run in milliseconds, before division by the time scale. */
  run_ms: z.number().min(0).max(3_600_000).default(3000),
  /** The conclusion of runs that start from now on. */
  conclusion: z.enum(['success', 'failure', 'cancelled', 'timed_out']).default('success'),
  /** Whether a deployment needs an approval before it starts. */
  approval: z.boolean().default(false),
  /** Whether the app's deployment protection rule holds a deployment until the app responds. */
  protection: z.boolean().default(false),
});
export type ActionSettings = z.infer<typeof ActionSettings>;

/** A workflow run. Times are in milliseconds since the Unix epoch. */
export type Run = {
  id: number;
  repository: string;
  name: string;
  event: string;
  head_branch: string | null;
  head_sha: string;
  environment: string;
  created_at: number;
  /** Oldest first. There is at least one. */
  attempts: Attempt[];
};

/**
 * An attempt of a run. `ends_at` is null while it waits for an approval, or for the app's response if it is
 * `isProtected`.
 */
export type Attempt = {
  attempt: number;
  started_at: number;
  ends_at: number | null;
  conclusion: ActionSettings['conclusion'];
  deployment: number;
  hasEnded: boolean;
  isProtected: boolean;
  /** The reports of the app about its decision. */
  reports: string[];
};

export type NewRun = Pick<Run, 'repository' | 'event' | 'head_branch' | 'head_sha'> & { environment?: string };

export type Actions = ReturnType<typeof openActions>;

/** @see https://docs.github.com/en/actions/how-tos/manage-workflow-runs/re-run-workflows-and-jobs (read 2026-11) */
const RERUN_MAX_MS = 30 * 24 * 3_600_000;

export const newestAttempt = ({ attempts }: Run): Attempt => attempts.at(-1) as Attempt;

/** Returns the path of an attempt's log, without the origin. Every attempt has its own jobs. */
const logPath = ({ repository, id }: Run, attempt: number): string =>
  `/${repository}/actions/runs/${id}/job/${id * 1000 + attempt}`;

export function openActions({ db, timeScale }: StandInDeps) {
  const deployments = openDeployments(db);
  const stored = documents<Run>(db, 'github run');
  const settingsIn = documents<ActionSettings>(db, 'github settings');
  const settings = (): ActionSettings => settingsIn.get() ?? ActionSettings.parse({});
  const put = (run: Run): Run => stored.put(run, String(run.id));
  /** Changes the newest attempt, and sets the status of its deployment. */
  const changeNewest = (run: Run, change: Partial<Attempt>, state: string | null, at: number): void => {
    const attempt = { ...newestAttempt(run), ...change };
    put({ ...run, attempts: [...run.attempts.slice(0, -1), attempt] });
    const deployment = deployments.byId(run.repository, attempt.deployment);
    if (deployment && state !== null) deployments.setStatus(deployment, state, logPath(run, attempt.attempt), at);
  };
  const begin = (run: Run, at: number): Run => {
    const { approval, protection, conclusion, run_ms } = settings();
    const isWaiting = approval || protection;
    const { repository, environment, head_sha: sha, head_branch } = run;
    const { id } = deployments.create({ repository, environment, sha, ref: head_branch ?? sha }, at);
    const attempt: Attempt = {
      attempt: run.attempts.length + 1,
      started_at: at,
      ends_at: isWaiting ? null : at + Math.round(run_ms / timeScale),
      conclusion,
      deployment: id,
      hasEnded: false,
      isProtected: protection,
      reports: [],
    };
    const begun = put({ ...run, attempts: [...run.attempts, attempt] });
    changeNewest(begun, {}, isWaiting ? 'waiting' : 'in_progress', at);
    return begun;
  };
  /** Ends the newest attempt with this conclusion, regardless of its settings. */
  const end = (run: Run, conclusion: Attempt['conclusion'], at: number): void => {
    const state = conclusion === 'success' ? 'success' : 'failure';
    changeNewest(run, { hasEnded: true, conclusion, ends_at: at }, state, at);
  };
  /** Returns the runs of a repository, newest first. */
  const runs = (repository: string): Run[] =>
    stored
      .all()
      .filter((run) => run.repository.toLowerCase() === repository.toLowerCase())
      .toReversed();

  return {
    /** Completes the runs that are due, since no timers run. Call it before every other function. */
    settle(now: number): void {
      for (const run of stored.all()) {
        const { hasEnded, ends_at: due, conclusion } = newestAttempt(run);
        if (!hasEnded && due !== null && due <= now) end(run, conclusion, due);
      }
    },
    start: (request: NewRun, at: number): Run => {
      const id = stored.count() + 1;
      const { environment } = settings();
      return begin({ environment, ...request, id, name: 'deploy', created_at: at, attempts: [] }, at);
    },
    runs,
    /** Returns the runs of all repositories, oldest first. */
    all: () => stored.all(),
    run: (repository: string, id: number) => runs(repository).find((run) => run.id === id),
    /** Starts another attempt. Returns the reason if it can't be started. */
    rerun(run: Run, at: number): string | undefined {
      if (!newestAttempt(run).hasEnded) return 'This workflow is already running';
      if (at - run.created_at > RERUN_MAX_MS)
        return 'Unable to retry this workflow run because it was created over a month ago';
      begin(run, at);
      return undefined;
    },
    approve(run: Run, at: number): void {
      const { ends_at: due } = newestAttempt(run);
      changeNewest(run, { ends_at: due ?? at + Math.round(settings().run_ms / timeScale) }, 'in_progress', at);
    },
    end,
    report: (run: Run, text: string) => changeNewest(run, { reports: [...newestAttempt(run).reports, text] }, null, 0),
    settings,
    setSettings: (changed: ActionSettings) => settingsIn.put(changed),
  };
}
