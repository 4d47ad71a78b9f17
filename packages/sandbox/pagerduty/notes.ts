import type { DatabaseSync } from 'node:sqlite';

export const noteTables = `
  create table if not exists pagerduty_notes (
    id integer primary key,
    alert_id integer not null references pagerduty_alerts (id),
    author text not null,
    content text not null,
    at integer not null
  );
  create index if not exists pagerduty_notes_of_alert on pagerduty_notes (alert_id, id);
`;

/** A note on an incident. `author` is an email address; `at` is in milliseconds since the Unix epoch. */
export type Note = { id: number; alert_id: number; author: string; content: string; at: number };

export type Notes = {
  add(note: Omit<Note, 'id'>): Note;
  /** Returns the notes of an alert, newest first. */
  of(alertId: number): Note[];
};

export function openNotes(db: DatabaseSync): Notes {
  const insert = db.prepare(`
    insert into pagerduty_notes (alert_id, author, content, at) values (:alert_id, :author, :content, :at) returning *`);
  const select = db.prepare('select * from pagerduty_notes where alert_id = ? order by id desc');
  return {
    add: (note) => insert.get(note) as Note,
    of: (alertId) => select.all(alertId) as Note[],
  };
}
