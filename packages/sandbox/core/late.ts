import type { DatabaseSync } from 'node:sqlite';

export const lateTables = `
  create table if not exists late_calls (
    seq integer primary key,
    vendor text not null,
    due_at integer not null,
    method text not null,
    url text not null,
    headers text not null,
    body blob not null
  );
`;

/** A complete call as received, so that it can be handled after its caller, and even this process, has exited. */
export type RawCall = { method: string; url: string; headers: [string, string][]; body: Uint8Array<ArrayBuffer> };

/** Returns the call as a request for the vendor's app. */
export const requestOf = ({ method, url, headers, body }: RawCall): Request =>
  new Request(url, { method, headers, ...(method !== 'GET' && method !== 'HEAD' && { body }) });

export type LateCalls = {
  /** @param dueAt milliseconds since the Unix epoch */
  hold(seq: number, vendor: string, dueAt: number, call: RawCall): void;
  done(seq: number): void;
  pending(vendor: string): { seq: number; dueAt: number; call: RawCall }[];
};

type Row = { seq: number; due_at: number; method: string; url: string; headers: string; body: Uint8Array<ArrayBuffer> };

/**
 * Opens the calls with pending late effects. They are stored, because a vendor survives the process that called it, but
 * a stand-in doesn't.
 */
export function openLateCalls(db: DatabaseSync): LateCalls {
  const insert = db.prepare(`
    insert into late_calls (seq, vendor, due_at, method, url, headers, body) values (?, ?, ?, ?, ?, ?, ?)`);
  const drop = db.prepare('delete from late_calls where seq = ?');
  const select = db.prepare('select * from late_calls where vendor = ? order by due_at');

  return {
    hold: (seq, vendor, dueAt, { method, url, headers, body }) =>
      void insert.run(seq, vendor, dueAt, method, url, JSON.stringify(headers), body),
    done: (seq) => void drop.run(seq),
    pending: (vendor) =>
      (select.all(vendor) as Row[]).map(({ seq, due_at: dueAt, method, url, headers, body }) => ({
        seq,
        dueAt,
        call: { method, url, headers: JSON.parse(headers) as [string, string][], body },
      })),
  };
}
