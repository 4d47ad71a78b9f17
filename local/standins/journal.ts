import type { DatabaseSync } from 'node:sqlite';
import { timestamp } from '../../schemas/time.ts';

/** Older calls are dropped at start: enough for any test, too little to fill a disk. */
const KEPT_CALLS = 100_000;

export const journalTables = `
  create table if not exists calls (
    seq integer primary key autoincrement,
    vendor text not null,
    method text not null,
    path text not null,
    query text,
    headers text not null,
    body text not null,
    outcome integer,
    status integer,
    at integer not null,
    fault text
  );
  delete from calls where seq <= (select max(seq) from calls) - ${KEPT_CALLS};
`;

export type Arrival = {
  vendor: string;
  method: string;
  path: string;
  /** Without its question mark; `null` when there is none. */
  query: string | null;
  /** Redacted already, as is `body`. */
  headers: Record<string, string>;
  body: string;
  /** Milliseconds since the Unix epoch. */
  at: number;
  /** The kind of the fault that is played on this call. */
  fault: string | null;
};

/** One call as `GET /sandbox/calls` shows it. */
export type RecordedCall = {
  id: string;
  vendor: string;
  method: string;
  path: string;
  query: string | null;
  headers: Record<string, string>;
  /** Parsed when it is JSON, else the text; `null` when there is none. */
  body: unknown;
  /** What the vendor made of it, whether or not the caller ever heard: `null` while nothing has been decided. */
  outcome: number | null;
  /** What the caller was answered; `null` when it got no answer. */
  status: number | null;
  /** RFC 3339, when it arrived. */
  at: string;
  fault: string | null;
};

export type CallFilter = {
  vendor?: string | undefined;
  /** Only calls after this one, or after this moment (milliseconds since the Unix epoch). */
  since?: { seq: number } | { at: number } | undefined;
  /** Only calls before this one: where the page before ended. */
  before?: number | undefined;
  limit: number;
};

export type Journal = {
  /** Writes the call down before anything is done about it. */
  arrived(arrival: Arrival): number;
  /** What the vendor made of the call. */
  decided(seq: number, outcome: number): void;
  /** What the caller is about to be told. Where the vendor had not decided, this is its decision. */
  answered(seq: number, status: number): void;
  /** Newest first. `next` is where to go on with `before`, when there are more. */
  page(filter: CallFilter): { items: RecordedCall[]; next: number | null };
};

export const callId = (seq: number): string => `call_${seq}`;

/** The inverse of `callId`; `undefined` when the text is no call id. */
export function seqOf(id: string): number | undefined {
  const digits = /^call_(\d{1,15})$/.exec(id)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

type Row = Omit<RecordedCall, 'id' | 'headers' | 'body' | 'at'> & {
  seq: number;
  headers: string;
  body: string;
  at: number;
};

/** The record of every call that a stand-in received. Its functions run inside a unit of the store. */
export function openJournal(db: DatabaseSync): Journal {
  const insert = db.prepare(`
    insert into calls (vendor, method, path, query, headers, body, at, fault)
    values (:vendor, :method, :path, :query, :headers, :body, :at, :fault)`);
  const decide = db.prepare('update calls set outcome = ? where seq = ?');
  const answer = db.prepare('update calls set status = ?1, outcome = coalesce(outcome, ?1) where seq = ?2');
  const select = db.prepare(`
    select * from calls
    where (:vendor is null or vendor = :vendor)
      and seq > :afterSeq and at > :afterAt and seq < :before
    order by seq desc limit :limit`);

  return {
    arrived: (arrival) => Number(insert.run({ ...arrival, headers: JSON.stringify(arrival.headers) }).lastInsertRowid),
    decided: (seq, outcome) => void decide.run(outcome, seq),
    answered: (seq, status) => void answer.run(status, seq),
    page({ vendor, since, before, limit }) {
      const rows = select.all({
        vendor: vendor ?? null,
        afterSeq: since !== undefined && 'seq' in since ? since.seq : 0,
        afterAt: since !== undefined && 'at' in since ? since.at : Number.MIN_SAFE_INTEGER,
        before: before ?? Number.MAX_SAFE_INTEGER,
        limit: limit + 1, // one more than asked for tells whether there is a next page
      }) as Row[];
      const shown = rows.slice(0, limit);
      return { items: shown.map(recordedCall), next: rows.length > limit ? (shown.at(-1)?.seq ?? null) : null };
    },
  };
}

function recordedCall({
  seq,
  vendor,
  method,
  path,
  query,
  headers,
  body,
  outcome,
  status,
  at,
  fault,
}: Row): RecordedCall {
  return {
    id: callId(seq),
    vendor,
    method,
    path,
    query,
    headers: JSON.parse(headers) as Record<string, string>,
    body: parsedBody(body),
    outcome,
    status,
    at: timestamp(at),
    fault,
  };
}

function parsedBody(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
