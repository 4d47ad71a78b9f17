import * as z from 'zod';
import type { AuditEntry } from '../../domain/ports/audit.ts';
import { Timestamp, timestamp } from '../../../schemas/time/time.ts';
import { canonicalJson } from '../../stores/hash.ts';
import { keys } from '../../stores/keys.ts';
import type { Table } from '../../stores/table.ts';
import { parseJson } from '../../../schemas/parsing/json.ts';

/** An entry as stored. `text`: the exact text that the hash chain of the log covers. */
export type StoredEntry = { sk: string; text: string };

const Entry = z.object({
  id: z.string(),
  at: Timestamp,
  actor: z.string(),
  kind: z.string(),
  subject: z.string(),
  text: z.string(),
  detail: z.record(z.string(), z.unknown()),
});

export const entryText = (entry: AuditEntry): string => canonicalJson(entry);

/** Parses an entry. Returns undefined if the text was altered and is not an entry. */
export const entryIn = (text: string): AuditEntry | undefined => Entry.safeParse(parseJson(text)).data;

/** Returns a placeholder for an entry that was altered and cannot be read. */
export const unreadable = (sk: string): AuditEntry => ({
  id: sk,
  at: sk.slice(0, 24) as Timestamp,
  actor: 'unknown',
  kind: 'unreadable',
  subject: 'log',
  text: 'This entry was altered and cannot be read',
  detail: {},
});

/** Returns the id of an entry, or its sort key if it cannot be read. */
export const idOf = ({ sk, text }: StoredEntry): string => entryIn(text)?.id ?? sk;

/** Returns the entries of a minute in order, after this sort key. Strongly consistent. */
export async function* entriesOf(table: Table, minute: string, after: string | null): AsyncGenerator<StoredEntry> {
  const rest = after === null ? {} : { after, goesOn: true };
  for await (const item of table.each(keys.logMinute(minute).pk, rest))
    yield { sk: String(item['sk']), text: String(item['entry']) };
}

/** Returns the minute as used in keys: `2026-11-20T12:00`. */
export const minuteOf = (at: Timestamp): string => at.slice(0, 16);

/** Returns the end of a minute, which is the beginning of the next one. */
export const endOf = (minute: string): Timestamp => timestamp(Date.parse(`${minute}:00.000Z`) + 60_000);
