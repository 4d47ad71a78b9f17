import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';

/** Real milliseconds, never scaled: what a delay is measured against is a client's time-out, which is not either. */
const DelayMs = z.int().min(0).max(600_000);

/** What goes wrong with a call. "Effect" is what the vendor does about it: the page, the rollback. */
export const Fault = z.discriminatedUnion('kind', [
  /** Answers this status instead of handling the call. `retry_after` is in seconds; without `body` it is empty. */
  z.strictObject({
    kind: z.literal('status'),
    status: z.int().min(200).max(599),
    body: z.json().optional(),
    retry_after: z.int().min(0).optional(),
  }),
  /** The effect at once, the answer `delay_ms` later. */
  z.strictObject({ kind: z.literal('slow'), delay_ms: DelayMs }),
  /** Answers as the vendor does when its limit is exceeded; no effect. */
  z.strictObject({ kind: z.literal('rate_limit') }),
  /** No effect and no answer: the connection stays open until the caller gives up. */
  z.strictObject({ kind: z.literal('hang') }),
  /** No effect; the connection is reset. */
  z.strictObject({ kind: z.literal('reset') }),
  /** The effect itself comes `delay_ms` later, whether or not the caller still waits, even over a restart. */
  z.strictObject({ kind: z.literal('late'), delay_ms: DelayMs }),
  /** The effect at once, then the connection is dropped without an answer. */
  z.strictObject({ kind: z.literal('lost') }),
]);
export type Fault = z.infer<typeof Fault>;

const Match = z.strictObject({
  method: z.string().toUpperCase().optional(),
  /** The whole path without query; a `*` at the end stands for anything. */
  path: z.string().startsWith('/').optional(),
});

/** A fault with where it applies and how often; without `times`, until it is cleared. */
export const faultRule = (vendors: readonly string[]) =>
  z.strictObject({
    vendor: z.enum(vendors),
    fault: Fault,
    times: z.int().min(1).optional(),
    match: Match.optional(),
  });
export type FaultRule = z.infer<ReturnType<typeof faultRule>>;

/** A rule as `GET /sandbox/faults` shows it. One that is used up is gone. */
export type FaultInForce = {
  vendor: string;
  fault: Fault;
  match: z.infer<typeof Match>;
  /** How many more calls it applies to; `null`: until it is cleared. */
  remaining: number | null;
};

export const faultTables = `
  create table if not exists faults (
    seq integer primary key autoincrement,
    vendor text not null,
    fault text not null,
    match text not null,
    remaining integer
  );
`;

export type Faults = {
  /** The first rule that applies to this call, counted down. */
  take(vendor: string, method: string, path: string): Fault | undefined;
  /** Sets one rule; an earlier one with the same vendor and `match` gives way, so that setting it again changes it. */
  set(rule: FaultRule): void;
  /** Sets all rules; of those that apply to a call the first is used until its `times` are over. */
  replace(rules: readonly FaultRule[]): void;
  clear(vendor?: string): void;
  list(): FaultInForce[];
};

type Row = { seq: number; vendor: string; fault: string; match: string; remaining: number | null };

/** The faults in force. Its functions run inside a unit of the store. */
export function openFaults(db: DatabaseSync): Faults {
  const all = db.prepare('select * from faults order by seq');
  const insert = db.prepare('insert into faults (vendor, fault, match, remaining) values (?, ?, ?, ?)');
  const useOnce = db.prepare('update faults set remaining = remaining - 1 where seq = ?');
  const dropUsedUp = db.prepare('delete from faults where remaining <= 0');
  const dropSame = db.prepare('delete from faults where vendor = ? and match = ?');
  const dropAll = db.prepare('delete from faults where ?1 is null or vendor = ?1');

  const rows = () => all.all() as Row[];
  const add = (rule: FaultRule) =>
    insert.run(rule.vendor, JSON.stringify(rule.fault), matchText(rule.match), rule.times ?? null);

  return {
    take(vendor, method, path) {
      const rule = rows().find((row) => row.vendor === vendor && applies(matchOf(row), method, path));
      if (!rule) return undefined;
      useOnce.run(rule.seq);
      dropUsedUp.run();
      return faultOf(rule);
    },
    set(rule) {
      dropSame.run(rule.vendor, matchText(rule.match));
      add(rule);
    },
    replace(rules) {
      dropAll.run(null);
      rules.forEach(add);
    },
    clear: (vendor) => void dropAll.run(vendor ?? null),
    list: () =>
      rows().map((row) => ({
        vendor: row.vendor,
        fault: faultOf(row),
        match: matchOf(row),
        remaining: row.remaining,
      })),
  };
}

const faultOf = (row: Row): Fault => Fault.parse(JSON.parse(row.fault));
const matchOf = (row: Row): z.infer<typeof Match> => Match.parse(JSON.parse(row.match));

/** The same text for the same match, whatever the order of its keys was. */
const matchText = (match: FaultRule['match']): string => JSON.stringify({ method: match?.method, path: match?.path });

function applies(match: z.infer<typeof Match>, method: string, path: string): boolean {
  if (match.method !== undefined && match.method !== method) return false;
  if (match.path === undefined) return true;
  return match.path.endsWith('*') ? path.startsWith(match.path.slice(0, -1)) : path === match.path;
}
