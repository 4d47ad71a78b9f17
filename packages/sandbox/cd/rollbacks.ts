import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';
import { documents } from '../core/exchanges.ts';

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
  /** Whether its version was made live. */
  isSettled: boolean;
};

export type RollbackStatus = 'in_progress' | CdSettings['outcome'];

export const statusAt = ({ ends_at, outcome }: Rollback, now: number): RollbackStatus =>
  now < ends_at ? 'in_progress' : outcome;

export type Rollbacks = ReturnType<typeof openRollbacks>;

export function openRollbacks(db: DatabaseSync) {
  const stored = documents<Rollback>(db, 'cd rollback');
  /** `isReported`: whether the sandbox has set it. */
  const live = documents<LiveVersion & { isReported: boolean }>(db, 'cd live');
  const settings = documents<CdSettings>(db, 'cd settings');
  const put = (rollback: Rollback) => stored.put(rollback, String(rollback.id));
  const setLive = ({ service, environment, version }: LiveVersion, isReported: boolean) => {
    const before = live.get(service, environment);
    const reported = isReported || before?.isReported === true;
    return live.put({ service, environment, version, isReported: reported }, service, environment);
  };
  /** Returns rollbacks that have ended and are not settled yet, oldest first. */
  const due = (now: number) => stored.all().filter(({ isSettled, ends_at: endsAt }) => !isSettled && endsAt <= now);
  return {
    due,
    /**
     * Makes the versions of completed rollbacks live, since no timers run, and returns these rollbacks. Call it before
     * every other function.
     */
    settle(now: number): Rollback[] {
      const ended = due(now);
      for (const rollback of ended) put({ ...rollback, isSettled: true });
      const succeeded = ended.filter(({ outcome }) => outcome === 'succeeded');
      for (const { to_version: version, ...at } of succeeded) setLive({ ...at, version }, false);
      return succeeded;
    },
    start: (rollback: NewRollback, at: Pick<Rollback, 'started_at' | 'ends_at' | 'outcome'>): Rollback =>
      put({ ...rollback, ...at, id: stored.count() + 1, isSettled: false }),
    byKey: (key: string) => stored.all().find((rollback) => rollback.key === key),
    byId: (id: number) => stored.get(String(id)),
    /** Returns rollbacks, newest first. */
    newest: (limit: number) => stored.all().toReversed().slice(0, limit),
    running: (service: string, environment: string, now: number) =>
      stored.all().find((one) => one.service === service && one.environment === environment && one.ends_at > now),
    /**
     * Returns the running version, or `undefined` if the sandbox has not set one. Deploys do not go through this
     * system, so an earlier rollback does not determine the running version.
     */
    liveVersion(service: string, environment: string): string | undefined {
      const found = live.get(service, environment);
      return found?.isReported ? found.version : undefined;
    },
    recordLive: (version: LiveVersion) => setLive(version, true),
    /** Records the version that a rollback has made live. */
    setLive: (version: LiveVersion) => setLive(version, false),
    /** By service and environment. */
    allLive: (): LiveVersion[] =>
      live
        .all()
        .map(({ service, environment, version }) => ({ service, environment, version }))
        .toSorted((a, b) => `${a.service}/${a.environment}`.localeCompare(`${b.service}/${b.environment}`)),
    settings: (): CdSettings => settings.get() ?? CdSettings.parse({}),
    /** Stores settings. `outcome` also applies to rollbacks in progress. */
    setSettings(changed: CdSettings, now: number): CdSettings {
      for (const one of stored.all()) if (one.ends_at > now) put({ ...one, outcome: changed.outcome });
      return settings.put(changed);
    },
  };
}
