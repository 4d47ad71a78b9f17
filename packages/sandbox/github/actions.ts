import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';
import { openDeployments } from './deployments.ts';
import type { StandInDeps } from '../core/stand-in.ts';

export const actionTables = `
  create table if not exists github_runs (
    id integer primary key,
    repository text not null collate nocase,
    name text not null,
    event text not null,
    head_branch text,
    head_sha text not null,
    environment text not null,
    created_at integer not null
  );
  create table if not exists github_attempts (
    run integer not null references github_runs (id),
    attempt integer not null,
    started_at integer not null,
    ends_at integer,
    conclusion text not null,
    deployment integer not null,
    ended integer not null default 0,
    primary key (run, attempt)
  );
  create table if not exists github_protected (
    run integer not null,
    attempt integer not null,
    primary key (run, attempt)
  );
  create table if not exists github_settings (id integer primary key check (id = 1), settings text not null);
`;

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
};

/**
 * An attempt of a run. `ends_at` is null while it waits for an approval, or for the app's response if it is
 * `protected`.
 */
export type Attempt = {
  run: number;
  attempt: number;
  started_at: number;
  ends_at: number | null;
  conclusion: ActionSettings['conclusion'];
  deployment: number;
  ended: 0 | 1;
  protected: 0 | 1;
};

export type NewRun = Pick<Run, 'repository' | 'event' | 'head_branch' | 'head_sha'> & { environment?: string };

export type Actions = {
  /** Completes the runs that are due, since no timers run. Call it before every other function. */
  settle(now: number): void;
  start(run: NewRun, at: number): Run;
  /** Returns the runs of a repository, newest first. */
  runs(repository: string): Run[];
  /** Returns the runs of all repositories, oldest first. */
  all(): Run[];
  run(repository: string, id: number): Run | undefined;
  /** Returns the attempts of a run, oldest first. There is at least one. */
  attempts(run: Run): [Attempt, ...Attempt[]];
  /** Starts another attempt. Returns the reason if it can't be started. */
  rerun(run: Run, at: number): string | undefined;
  approve(run: Run, at: number): void;
  /** Ends the newest attempt with this conclusion, regardless of its settings. */
  end(run: Run, conclusion: Attempt['conclusion'], at: number): void;
  settings(): ActionSettings;
  setSettings(settings: ActionSettings): void;
};

/** @see https://docs.github.com/en/actions/how-tos/manage-workflow-runs/re-run-workflows-and-jobs (read 2026-11) */
const RERUN_MAX_MS = 30 * 24 * 3_600_000;

export const newestAttempt = (attempts: readonly [Attempt, ...Attempt[]]): Attempt => attempts.at(-1) ?? attempts[0];

/** Returns the path of an attempt's log, without the origin. Every attempt has its own jobs. */
const logPath = ({ repository, id }: Run, attempt: number): string =>
  `/${repository}/actions/runs/${id}/job/${id * 1000 + attempt}`;

export function openActions({ db, timeScale }: StandInDeps): Actions {
  const deployments = openDeployments(db);
  const store = statements(db);

  const begin = (run: Run, attempt: number, at: number): void => {
    const { approval, protection, conclusion, run_ms } = store.settings();
    const isWaiting = approval || protection;
    const { repository, environment, head_sha: sha, head_branch } = run;
    const deployment = deployments.create({ repository, environment, sha, ref: head_branch ?? sha }, at);
    const endsAt = isWaiting ? null : at + Math.round(run_ms / timeScale);
    store.addAttempt({ run: run.id, attempt, started_at: at, ends_at: endsAt, conclusion, deployment: deployment.id });
    if (protection) store.protect({ run: run.id, attempt });
    deployments.setStatus(deployment, isWaiting ? 'waiting' : 'in_progress', logPath(run, attempt), at);
  };
  const finish = (run: Run, attempt: Attempt, conclusion: Attempt['conclusion'], at: number): void => {
    store.endAttempt({ run: run.id, attempt: attempt.attempt, conclusion, ends_at: at });
    const deployment = deployments.byId(run.repository, attempt.deployment);
    const state = conclusion === 'success' ? 'success' : 'failure';
    if (deployment) deployments.setStatus(deployment, state, logPath(run, attempt.attempt), at);
  };

  return {
    settle(now) {
      for (const { run, attempt, at } of store.due(now)) finish(run, attempt, attempt.conclusion, at);
    },
    start(request, at) {
      const run = store.addRun({
        environment: store.settings().environment,
        ...request,
        name: 'deploy',
        created_at: at,
      });
      begin(run, 1, at);
      return run;
    },
    runs: store.runs,
    all: store.all,
    run: store.run,
    attempts: store.attempts,
    rerun(run, at) {
      const { attempt, ended } = newestAttempt(store.attempts(run));
      if (ended === 0) return 'This workflow is already running';
      if (at - run.created_at > RERUN_MAX_MS)
        return 'Unable to retry this workflow run because it was created over a month ago';
      begin(run, attempt + 1, at);
      return undefined;
    },
    approve(run, at) {
      const { attempt, deployment: id } = newestAttempt(store.attempts(run));
      store.setEnd({ run: run.id, attempt, ends_at: at + Math.round(store.settings().run_ms / timeScale) });
      const deployment = deployments.byId(run.repository, id);
      if (deployment) deployments.setStatus(deployment, 'in_progress', logPath(run, attempt), at);
    },
    end: (run, conclusion, at) => finish(run, newestAttempt(store.attempts(run)), conclusion, at),
    settings: store.settings,
    setSettings: store.setSettings,
  };
}

function statements(db: DatabaseSync) {
  const addRun = db.prepare(`
    insert into github_runs (repository, name, event, head_branch, head_sha, environment, created_at)
    values (:repository, :name, :event, :head_branch, :head_sha, :environment, :created_at) returning *`);
  const runs = db.prepare('select * from github_runs where repository = ? order by id desc');
  const all = db.prepare('select * from github_runs order by id');
  const run = db.prepare('select * from github_runs where repository = ? and id = ?');
  const runById = db.prepare('select * from github_runs where id = ?');
  const addAttempt = db.prepare(`
    insert into github_attempts (run, attempt, started_at, ends_at, conclusion, deployment)
    values (:run, :attempt, :started_at, :ends_at, :conclusion, :deployment)`);
  const protect = db.prepare('insert into github_protected (run, attempt) values (:run, :attempt)');
  const selectAttempts = `
    select attempts.*, exists (select 1 from github_protected as held
      where held.run = attempts.run and held.attempt = attempts.attempt) as protected
    from github_attempts as attempts`;
  const attempts = db.prepare(`${selectAttempts} where run = ? order by attempt`);
  const due = db.prepare(`${selectAttempts} where ended = 0 and ends_at <= ? order by ends_at, run`);
  const endAttempt = db.prepare(`
    update github_attempts set ended = 1, conclusion = :conclusion, ends_at = :ends_at
    where run = :run and attempt = :attempt`);
  const setEnd = db.prepare(`
    update github_attempts set ends_at = :ends_at where run = :run and attempt = :attempt and ends_at is null`);
  const settings = db.prepare('select settings from github_settings');
  const setSettings = db.prepare(`
    insert into github_settings (id, settings) values (1, ?1) on conflict do update set settings = ?1`);

  return {
    addRun: (values: Omit<Run, 'id'>) => addRun.get(values) as Run,
    runs: (repository: string) => runs.all(repository) as Run[],
    all: () => all.all() as Run[],
    run: (repository: string, id: number) => run.get(repository, id) as Run | undefined,
    addAttempt: (values: Omit<Attempt, 'ended' | 'protected'>) => void addAttempt.run(values),
    protect: (held: Pick<Attempt, 'run' | 'attempt'>) => void protect.run(held),
    attempts: ({ id }: Run) => attempts.all(id) as [Attempt, ...Attempt[]],
    due: (now: number) =>
      (due.all(now) as Attempt[]).map((attempt) => ({
        run: runById.get(attempt.run) as Run,
        attempt,
        at: attempt.ends_at ?? now,
      })),
    endAttempt: (values: Pick<Attempt, 'run' | 'attempt' | 'conclusion'> & { ends_at: number }) =>
      void endAttempt.run(values),
    setEnd: (values: Pick<Attempt, 'run' | 'attempt'> & { ends_at: number }) => void setEnd.run(values),
    settings: () =>
      ActionSettings.parse(JSON.parse((settings.get() as { settings: string } | undefined)?.settings ?? '{}')),
    setSettings: (changed: ActionSettings) => void setSettings.run(JSON.stringify(changed)),
  };
}
