import { randomBytes, randomInt } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { TRIGGER_MS } from './limits.ts';
import { Refused } from './refusal.ts';

export const triggerTables = `
  create table if not exists slack_triggers (
    id text primary key,
    user text not null,
    view integer,
    at integer not null,
    used integer not null default 0
  ) without rowid;
`;

/** A person's action that can be exchanged for a modal. */
export type Trigger = {
  user: string;
  /** The `seq` of the modal in which it happened; `null` outside of modals. */
  view: number | null;
};

export type Triggers = {
  /** Creates a trigger, and returns its ID. @param at milliseconds since the Unix epoch */
  create(trigger: Trigger, at: number): string;
  /**
   * Returns a trigger that can still be exchanged.
   *
   * @throws Refused `invalid_trigger_id`, `expired_trigger_id` (also if it never existed), `exchanged_trigger_id`
   */
  find(id: string, at: number): Trigger;
  /** Marks a trigger as exchanged. It can't be used again. */
  use(id: string): void;
};

type Row = Trigger & { at: number; used: number };

export function openTriggers(db: DatabaseSync): Triggers {
  const insert = db.prepare('insert into slack_triggers (id, user, view, at) values (?, ?, ?, ?)');
  const select = db.prepare('select user, view, at, used from slack_triggers where id = ?');
  const use = db.prepare('update slack_triggers set used = 1 where id = ?');
  const forget = db.prepare('delete from slack_triggers where at < ?');

  return {
    create({ user, view }, at) {
      forget.run(at - 60 * TRIGGER_MS); // later, unknown triggers also count as expired
      const id = `${randomInt(1e10, 1e11)}.${randomInt(1e9, 1e10)}.${randomBytes(16).toString('hex')}`;
      insert.run(id, user, view, at);
      return id;
    },
    find(id, at) {
      if (!/^\d+\.\d+\.\w+$/.test(id)) throw new Refused('invalid_trigger_id');
      const row = select.get(id) as Row | undefined;
      if (row?.used === 1) throw new Refused('exchanged_trigger_id');
      if (row === undefined || at - row.at > TRIGGER_MS) throw new Refused('expired_trigger_id');
      return { user: row.user, view: row.view };
    },
    use: (id) => void use.run(id),
  };
}
