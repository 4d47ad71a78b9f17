import type { Sql } from './sql.ts';

/** `at`: the newest time of a transaction, in milliseconds since the Unix epoch. */
export const PASSED_TIME_SCHEMA = `
  CREATE TABLE IF NOT EXISTS passed_time (at INTEGER NOT NULL);
  INSERT INTO passed_time SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM passed_time);
`;

/** How exactly the newest time is stored, in milliseconds, so that not each transaction writes it. */
const EXACT_MS = 1000;

/** Stores the time of a transaction that sets when something is due. */
export function noteTime(sql: Sql, now: number): void {
  sql.run('UPDATE passed_time SET at = ? WHERE at < ?', now, now - EXACT_MS);
}

/**
 * Moves what is due, if the time of the machine was set back before the start of this process: otherwise a wait of minutes would
 * also last as long as the clock was set back. What remains of it is at most its own length.
 */
export function continueTime(sql: Sql, now: number): void {
  const back = Number(sql.get('SELECT at FROM passed_time')?.['at']) - now;
  if (back <= 0) return;
  sql.run('UPDATE operations SET due_at = due_at - ? WHERE due_at IS NOT NULL', back);
  sql.run('UPDATE executions SET wake_at = wake_at - ? WHERE wake_at IS NOT NULL', back);
  sql.run('UPDATE executions SET times_out_at = times_out_at - ? WHERE ended_at IS NULL', back);
  sql.run('UPDATE messages SET due_at = due_at - ? WHERE due_at > 0', back);
  sql.run('UPDATE message_ids SET expires_at = expires_at - ?', back);
  sql.run('UPDATE passed_time SET at = ?', now);
}
