import * as z from 'zod';
import type { AuditEntry } from '../../domain/freeze/ports.ts';
import { Timestamp, timestamp } from '../../schemas/time.ts';
import { canonicalJson } from '../hash.ts';
import { keys } from './keys.ts';
import type { Table } from './table.ts';

/** An entry as it is kept, byte for byte what is sealed. */
export type KeptEntry = { sk: string; text: string };

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

/** Undefined: it is none, so somebody has altered it. */
export function entryIn(text: string): AuditEntry | undefined {
  try {
    return Entry.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Stands for one that was altered beyond reading. */
export const unreadable = (sk: string): AuditEntry => ({
  id: sk,
  at: sk.slice(0, 24) as Timestamp,
  actor: 'unknown',
  kind: 'unreadable',
  subject: 'log',
  text: 'This entry was altered and cannot be read',
  detail: {},
});

/** Its id; of one that was altered beyond reading, where it lies. */
export const idOf = ({ sk, text }: KeptEntry): string => entryIn(text)?.id ?? sk;

/** Entries of a minute in order, after the one with this sort key. Strongly consistent. */
export async function* entriesOf(table: Table, minute: string, after: string | null): AsyncGenerator<KeptEntry> {
  const rest = after === null ? {} : { after };
  for await (const item of table.each(keys.logMinute(minute).pk, '', rest))
    yield { sk: String(item['sk']), text: String(item['entry']) };
}

/** As keys have it: `2026-11-20T12:00`. */
export const minuteOf = (at: Timestamp): string => at.slice(0, 16);

/** The end of a minute, which is the beginning of the next one. */
export const endOf = (minute: string): Timestamp => timestamp(Date.parse(`${minute}:00.000Z`) + 60_000);
