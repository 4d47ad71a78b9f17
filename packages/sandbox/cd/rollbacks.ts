import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';

export const rollbackTables = `
  create table if not exists cd_live (
    service text not null,
    environment text not null,
    version text not null,
    reported integer not null default 0,
    primary key (service, environment)
  );
  create table if not exists cd_rollbacks (
    id integer primary key,
    key text not null unique,
    service text not null,
    environment text not null,
    from_version text,
    to_version text not null,
    started_at integer not null,
    ends_at integer not null,
    outcome text not null,
    applied integer not null default 0
  );
  create table if not exists cd_settings (id integer primary key check (id = 1), settings text not null);
`;

/** Settings of the stand-in. Settings that are not given keep their defaults. */
export const CdSettings = z.strictObject({
  /**
   * Duration of a rollback in milliseconds, before division by the time scale. 0: the rollback is complete in the
   * response.
   */
  rollback_ms: z.number().min(0).max(3_600_000).default(2000),
  /** The outcome of rollbacks that have not ended yet. */
  outcome: z.enum(['succeeded', 'failed']).default('succeeded'),
  /** The services that exist; `null` for all. */
  services: z.array(z.string()).nullable().default(null),
});
export type CdSettings = z.infer<typeof CdSettings>;

export const LiveVersion = z.strictObject({
  service: z.string().min(1),
  environment: z.string().min(1),
  version: z.string().min(1),
});
export type LiveVersion = z.infer<typeof LiveVersion>;

export type NewRollback = {
  key: string;
  service: string;
  environment: string;
  /** `null` if the caller does not know it. The running version is not compared in this case. */
  from_version: string | null;
  to_version: string;
};

/** A rollback. Times are in milliseconds since the Unix epoch. */
export type Rollback = NewRollback & {
  id: number;
  started_at: number;
  ends_at: number;
  outcome: CdSettings['outcome'];
};

export type RollbackStatus = 'in_progress' | CdSettings['outcome'];

export type Rollbacks = {
  /**
   * Makes the versions of completed rollbacks live, since no timers run, and returns these rollbacks. Call it before
   * every other function.
   */
  settle(now: number): Rollback[];
  start(rollback: NewRollback, at: { startedAt: number; endsAt: number }, outcome: CdSettings['outcome']): Rollback;
  byKey(key: string): Rollback | undefined;
  byId(id: number): Rollback | undefined;
  /** Returns rollbacks, newest first. */
  newest(limit: number): Rollback[];
  /** Returns rollbacks that have ended and are not settled yet, oldest first. */
  due(now: number): Rollback[];
  running(service: string, environment: string, now: number): Rollback | undefined;
  /**
   * Returns the running version, or `undefined` if the sandbox has not set one. Deploys do not go through this system,
   * so an earlier rollback does not determine the running version.
   */
  liveVersion(service: string, environment: string): string | undefined;
  recordLive(live: LiveVersion): void;
  /** Records the version that a rollback has made live. */
  setLive(live: LiveVersion): void;
  allLive(): LiveVersion[];
  settings(): CdSettings;
  /** Stores settings. `outcome` also applies to rollbacks in progress. */
  setSettings(settings: CdSettings, now: number): void;
};

export const statusAt = ({ ends_at, outcome }: Rollback, now: number): RollbackStatus =>
  now < ends_at ? 'in_progress' : outcome;

export function openRollbacks(db: DatabaseSync): Rollbacks {
  const due = db.prepare('select * from cd_rollbacks where applied = 0 and ends_at <= ? order by ends_at, id');
  const applied = db.prepare('update cd_rollbacks set applied = 1 where id = ?');
  const insert = db.prepare(`
    insert into cd_rollbacks (key, service, environment, from_version, to_version, started_at, ends_at, outcome)
    values (:key, :service, :environment, :from_version, :to_version, :startedAt, :endsAt, :outcome) returning *`);
  const byKey = db.prepare('select * from cd_rollbacks where key = ?');
  const byId = db.prepare('select * from cd_rollbacks where id = ?');
  const newest = db.prepare('select * from cd_rollbacks order by id desc limit ?');
  const running = db.prepare('select * from cd_rollbacks where service = ? and environment = ? and ends_at > ?');
  const liveVersion = db.prepare('select version from cd_live where service = ? and environment = ? and reported = 1');
  const setLive = db.prepare(`
    insert into cd_live (service, environment, version, reported) values (:service, :environment, :version, :reported)
    on conflict do update set version = :version, reported = max(reported, :reported)`);
  const allLive = db.prepare('select service, environment, version from cd_live order by service, environment');
  const settings = db.prepare('select settings from cd_settings');
  const setSettings = db.prepare(`
    insert into cd_settings (id, settings) values (1, ?1) on conflict do update set settings = ?1`);

  const setOutcome = db.prepare('update cd_rollbacks set outcome = ? where applied = 0 and ends_at > ?');

  return {
    settle(now) {
      const ended = due.all(now) as Rollback[];
      for (const { id, outcome, service, environment, to_version } of ended) {
        if (outcome === 'succeeded') setLive.run({ service, environment, version: to_version, reported: 0 });
        applied.run(id);
      }
      return ended.filter(({ outcome }) => outcome === 'succeeded');
    },
    start: (rollback, at, outcome) => insert.get({ ...rollback, ...at, outcome }) as Rollback,
    byKey: (key) => byKey.get(key) as Rollback | undefined,
    byId: (id) => byId.get(id) as Rollback | undefined,
    newest: (limit) => newest.all(limit) as Rollback[],
    due: (now) => due.all(now) as Rollback[],
    running: (service, environment, now) => running.get(service, environment, now) as Rollback | undefined,
    liveVersion: (service, environment) =>
      (liveVersion.get(service, environment) as { version: string } | undefined)?.version,
    recordLive: (version) => void setLive.run({ ...version, reported: 1 }),
    setLive: (version) => void setLive.run({ ...version, reported: 0 }),
    allLive: () => allLive.all() as LiveVersion[],
    settings: () =>
      CdSettings.parse(JSON.parse((settings.get() as { settings: string } | undefined)?.settings ?? '{}')),
    setSettings(changed, now) {
      setSettings.run(JSON.stringify(changed));
      setOutcome.run(changed.outcome, now);
    },
  };
}
