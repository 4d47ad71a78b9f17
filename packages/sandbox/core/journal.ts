import type { DatabaseSync } from 'node:sqlite';
import { timestamp } from '../../../schemas/time/time.ts';

/** Maximum number of calls after a start, which removes older ones: enough for any test, and limited disk space. */
const CALLS_MAX = 100_000;

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
  delete from calls where seq <= (select max(seq) from calls) - ${CALLS_MAX};
`;

export type Arrival = {
  vendor: string;
  method: string;
  path: string;
  /** Without the question mark; `null` if there is none. */
  query: string | null;
  /** Redacted, as is `body`. */
  headers: Record<string, string>;
  body: string;
  /** Milliseconds since the Unix epoch. */
  at: number;
  /** The kind of the fault that applies to this call. */
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
  /** Parsed if it is JSON, otherwise the text; `null` if there is none. */
  body: unknown;
  /**
   * The status of the vendor's response, even if the caller did not receive it. `null` while the call is not handled.
   */
  outcome: number | null;
  /** The status that the caller received; `null` if it received no response. */
  status: number | null;
  /** Time of arrival, RFC 3339. */
  at: string;
  fault: string | null;
};

export type CallFilter = {
  vendor?: string | undefined;
  /** Only calls after this call, or after this time in milliseconds since the Unix epoch. */
  since?: { seq: number } | { at: number } | undefined;
  /** Only calls before this one, for the next page. */
  before?: number | undefined;
  limit: number;
};

export type Journal = {
  /** Records a call before it is handled. */
  arrived(arrival: Arrival): number;
  /** Records the status of the vendor's response. */
  handled(seq: number, outcome: number): void;
  /**
   * Records the status that is about to be sent to the caller. Also sets the outcome if the vendor did not handle the
   * call.
   */
  answered(seq: number, status: number): void;
  /** Returns calls, newest first. `next` is the value of `before` for the next page, if there is one. */
  page(filter: CallFilter): { items: RecordedCall[]; next: number | null };
};

export const callId = (seq: number): string => `call_${seq}`;

/** Returns the number in a call ID, or `undefined` if the text is not a call ID. The inverse of `callId`. */
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

/** Opens the record of all calls that the stand-ins received. Call its functions within a transaction of the store. */
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
    handled: (seq, outcome) => void decide.run(outcome, seq),
    answered: (seq, status) => void answer.run(status, seq),
    page({ vendor, since, before, limit }) {
      const rows = select.all({
        vendor: vendor ?? null,
        afterSeq: since !== undefined && 'seq' in since ? since.seq : 0,
        afterAt: since !== undefined && 'at' in since ? since.at : Number.MIN_SAFE_INTEGER,
        before: before ?? Number.MAX_SAFE_INTEGER,
        limit: limit + 1, // one more, to detect whether there is a next page
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
