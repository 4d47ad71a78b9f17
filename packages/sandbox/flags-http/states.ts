import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';

export const stateTables = `
  create table if not exists flags_states (
    environment text not null,
    flag text not null,
    is_on integer not null,
    primary key (environment, flag)
  );
  create table if not exists flags_keys (
    key text primary key,
    environment text not null,
    flag text not null,
    is_on integer not null
  );
`;

/** The state of a flag, as a person sets and sees it in the flag service. */
export const FlagState = z.strictObject({
  environment: z.string().min(1),
  flag: z.string().min(1),
  on: z.boolean(),
});
export type FlagState = z.infer<typeof FlagState>;

export type FlagStates = {
  all(): FlagState[];
  get(environment: string, flag: string): FlagState | undefined;
  /** Stores a flag, and creates it if it doesn't exist. */
  put(state: FlagState): void;
  /** Returns the state that was set with this key. */
  byKey(key: string): FlagState | undefined;
  recordKey(key: string, state: FlagState): void;
  /** Returns the states that callers have set, oldest first. */
  changesByKey(): (FlagState & { key: string })[];
};

type Row = { environment: string; flag: string; is_on: number };
type KeyRow = Row & { key: string };

const stateOf = ({ environment, flag, is_on }: Row): FlagState => ({ environment, flag, on: is_on === 1 });

export function openStates(db: DatabaseSync): FlagStates {
  const all = db.prepare('select * from flags_states order by environment, flag');
  const get = db.prepare('select * from flags_states where environment = ? and flag = ?');
  const put = db.prepare(`
    insert into flags_states (environment, flag, is_on) values (?1, ?2, ?3) on conflict do update set is_on = ?3`);
  const byKey = db.prepare('select environment, flag, is_on from flags_keys where key = ?');
  const changesByKey = db.prepare('select * from flags_keys order by rowid');
  const recordKey = db.prepare('insert into flags_keys (key, environment, flag, is_on) values (?, ?, ?, ?)');

  const stateOrUndefined = (row: unknown): FlagState | undefined =>
    row === undefined ? undefined : stateOf(row as Row);
  return {
    all: () => (all.all() as Row[]).map(stateOf),
    get: (environment, flag) => stateOrUndefined(get.get(environment, flag)),
    put: ({ environment, flag, on }) => void put.run(environment, flag, Number(on)),
    byKey: (key) => stateOrUndefined(byKey.get(key)),
    recordKey: (key, { environment, flag, on }) => void recordKey.run(key, environment, flag, Number(on)),
    changesByKey: () => (changesByKey.all() as KeyRow[]).map((row) => ({ key: row.key, ...stateOf(row) })),
  };
}
