import type { DatabaseSync } from 'node:sqlite';

export const flagTables = `
  create table if not exists launchdarkly_environments (
    project text not null,
    key text not null,
    requires_approval integer not null,
    primary key (project, key)
  );
  create table if not exists launchdarkly_flags (
    project text not null,
    key text not null,
    version integer not null,
    archived integer not null,
    created_at integer not null,
    primary key (project, key)
  );
  create table if not exists launchdarkly_targeting (
    project text not null,
    flag text not null,
    environment text not null,
    is_on integer not null,
    version integer not null,
    modified_at integer not null,
    primary key (project, flag, environment)
  );
  create table if not exists launchdarkly_changes (
    id integer primary key,
    project text not null,
    environment text not null,
    flag text not null,
    is_on integer not null,
    comment text,
    member text,
    at integer not null
  );
`;

/** A flag. Times are in milliseconds since the Unix epoch. */
export type Flag = { project: string; key: string; version: number; archived: boolean; created_at: number };

/** The state of a flag in one environment of its project. */
export type Targeting = {
  environment: string;
  requires_approval: boolean;
  on: boolean;
  version: number;
  modified_at: number;
};

export type Change = {
  id: number;
  project: string;
  environment: string;
  flag: string;
  on: boolean;
  comment: string | null;
  /** The person who made the change; `null` for a token. */
  member: string | null;
  at: number;
};

export type LaunchDarklyFlags = {
  /** Returns all flags, by project and key. */
  all(): Flag[];
  get(project: string, key: string): Flag | undefined;
  /** Returns the state in each environment of the project. A flag is off until it is turned on. */
  targeting(flag: Flag): Targeting[];
  /** Creates the environment and the flag if they don't exist. */
  provide(at: { project: string; environment: string; flag: string }, now: number): Flag;
  setApproval(project: string, environment: string, required: boolean): void;
  setArchived(flag: Flag, archived: boolean): void;
  /** Turns a flag on or off. If it already has this state, the flag, its versions, and its history stay unchanged. */
  turn(change: Omit<Change, 'id'>): void;
  /** Returns changes, newest first. */
  changes(): Change[];
};

type FlagRow = Omit<Flag, 'archived'> & { archived: number };
type TargetingRow = Omit<Targeting, 'on' | 'requires_approval'> & { is_on: number; requires_approval: number };
type ChangeRow = Omit<Change, 'on'> & { is_on: number };

const flagOf = (row: FlagRow): Flag => ({ ...row, archived: row.archived === 1 });

export function openFlags(db: DatabaseSync): LaunchDarklyFlags {
  const all = db.prepare('select * from launchdarkly_flags order by project, key');
  const get = db.prepare('select * from launchdarkly_flags where project = ? and key = ?');
  const addEnvironment = db.prepare('insert or ignore into launchdarkly_environments values (?, ?, 0)');
  const addFlag = db.prepare('insert or ignore into launchdarkly_flags values (?, ?, 1, 0, ?)');
  const setApproval = db.prepare(
    'update launchdarkly_environments set requires_approval = ? where project = ? and key = ?',
  );
  const setArchived = db.prepare('update launchdarkly_flags set archived = ? where project = ? and key = ?');
  const targeting = db.prepare(`
    select e.key as environment, e.requires_approval, coalesce(t.is_on, 0) as is_on,
      coalesce(t.version, 1) as version, coalesce(t.modified_at, :created_at) as modified_at
    from launchdarkly_environments e
    left join launchdarkly_targeting t on t.project = e.project and t.environment = e.key and t.flag = :key
    where e.project = :project order by e.key`);
  const turn = db.prepare(`
    insert into launchdarkly_targeting (project, flag, environment, is_on, version, modified_at)
    values (:project, :flag, :environment, :is_on, 2, :at)
    on conflict do update set is_on = :is_on, version = version + 1, modified_at = :at`);
  const newVersion = db.prepare('update launchdarkly_flags set version = version + 1 where project = ? and key = ?');
  const addChange = db.prepare(`
    insert into launchdarkly_changes (project, environment, flag, is_on, comment, member, at)
    values (:project, :environment, :flag, :is_on, :comment, :member, :at)`);
  const changes = db.prepare('select * from launchdarkly_changes order by id desc');

  const findFlag = (project: string, key: string): Flag | undefined => {
    const row = get.get(project, key) as FlagRow | undefined;
    return row && flagOf(row);
  };
  const targetingOf = ({ project, key, created_at }: Flag): Targeting[] =>
    (targeting.all({ project, key, created_at }) as TargetingRow[]).map(({ is_on, requires_approval, ...row }) => ({
      ...row,
      requires_approval: requires_approval === 1,
      on: is_on === 1,
    }));

  return {
    all: () => (all.all() as FlagRow[]).map(flagOf),
    get: findFlag,
    targeting: targetingOf,
    provide({ project, environment, flag }, now) {
      addEnvironment.run(project, environment);
      addFlag.run(project, flag, now);
      return findFlag(project, flag) ?? { project, key: flag, version: 1, archived: false, created_at: now };
    },
    setApproval: (project, environment, required) => void setApproval.run(Number(required), project, environment),
    setArchived: ({ project, key }, archived) => void setArchived.run(Number(archived), project, key),
    turn({ project, environment, flag, on, comment, member, at }) {
      const before = findFlag(project, flag);
      const current = before && targetingOf(before).find((each) => each.environment === environment);
      if (!current || current.on === on) return;
      const is_on = Number(on);
      turn.run({ project, flag, environment, is_on, at });
      newVersion.run(project, flag);
      addChange.run({ project, environment, flag, is_on, comment, member, at });
    },
    changes: () => (changes.all() as ChangeRow[]).map(({ is_on, ...row }) => ({ ...row, on: is_on === 1 })),
  };
}
