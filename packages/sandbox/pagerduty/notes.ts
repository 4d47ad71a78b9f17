import type { DatabaseSync } from 'node:sqlite';
import { documents } from '../core/exchanges.ts';

/** A note on an incident. `author` is an email address; `at` is in milliseconds since the Unix epoch. */
export type Note = { id: number; alert_id: number; author: string; content: string; at: number };

export type Notes = ReturnType<typeof openNotes>;

export function openNotes(db: DatabaseSync) {
  const notes = documents<Note>(db, 'pagerduty note');
  return {
    add: (note: Omit<Note, 'id'>): Note => notes.put({ ...note, id: notes.count() + 1 }, String(notes.count() + 1)),
    /** Returns the notes of an alert, newest first. */
    of: (alertId: number): Note[] =>
      notes
        .all()
        .filter((note) => note.alert_id === alertId)
        .toReversed(),
  };
}
