import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';

/**
 * Delay in real milliseconds. Not divided by the time scale, because the client time-outs it is tested against aren't
 * either.
 */
const DelayMs = z.int().min(0).max(600_000);

/** A fault of a call. "Effect" is the vendor's action, such as a page or a rollback. */
export const Fault = z.discriminatedUnion('kind', [
  /**
   * Responds with this status instead of handling the call. `retry_after` is in seconds. Without `body`, the response
   * is empty.
   */
  z.strictObject({
    kind: z.literal('status'),
    status: z.int().min(200).max(599),
    body: z.json().optional(),
    retry_after: z.int().min(0).optional(),
  }),
  /** The effect is immediate, and the response comes `delay_ms` later. */
  z.strictObject({ kind: z.literal('slow'), delay_ms: DelayMs }),
  /** Responds as the vendor does when its rate limit is exceeded. No effect. */
  z.strictObject({ kind: z.literal('rate_limit') }),
  /** No effect and no response. The connection stays open until the caller gives up. */
  z.strictObject({ kind: z.literal('hang') }),
  /** No effect. The connection is reset. */
  z.strictObject({ kind: z.literal('reset') }),
  /** The effect comes `delay_ms` later, even if the caller has gone or the stand-in was restarted. */
  z.strictObject({ kind: z.literal('late'), delay_ms: DelayMs }),
  /** The effect is immediate, and the connection is closed without a response. */
  z.strictObject({ kind: z.literal('lost') }),
]);
export type Fault = z.infer<typeof Fault>;

const Match = z.strictObject({
  method: z.string().toUpperCase().optional(),
  /** The complete path without the query. A `*` at the end matches any text. */
  path: z.string().startsWith('/').optional(),
});

/** Returns the schema of a fault with the calls that it applies to. Without `times`, it applies until it is cleared. */
export const faultRule = (vendors: readonly string[]) =>
  z.strictObject({
    vendor: z.enum(vendors),
    fault: Fault,
    times: z.int().min(1).optional(),
    match: Match.optional(),
  });
export type FaultRule = z.infer<ReturnType<typeof faultRule>>;

/** A rule as `GET /sandbox/faults` shows it. Rules without remaining uses are removed. */
export type FaultInForce = {
  vendor: string;
  fault: Fault;
  match: z.infer<typeof Match>;
  /** Number of further calls that the fault applies to; `null` until it is cleared. */
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
  /** Returns the fault of the first rule that applies to this call, and decrements its count. */
  take(vendor: string, method: string, path: string): Fault | undefined;
  /** Adds a rule. Replaces an earlier rule with the same vendor and `match`. */
  set(rule: FaultRule): void;
  /** Replaces all rules. The first rule that applies to a call is used until its `times` are used up. */
  replace(rules: readonly FaultRule[]): void;
  clear(vendor?: string): void;
  list(): FaultInForce[];
};

type Row = { seq: number; vendor: string; fault: string; match: string; remaining: number | null };

/** Opens the faults in force. Call its functions within a transaction of the store. */
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

/** Returns the same text for equal matches, regardless of the order of their keys. */
const matchText = (match: FaultRule['match']): string => JSON.stringify({ method: match?.method, path: match?.path });

function applies(match: z.infer<typeof Match>, method: string, path: string): boolean {
  if (match.method !== undefined && match.method !== method) return false;
  if (match.path === undefined) return true;
  return match.path.endsWith('*') ? path.startsWith(match.path.slice(0, -1)) : path === match.path;
}
