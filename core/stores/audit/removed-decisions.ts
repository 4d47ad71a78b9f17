import * as z from 'zod';
import type { AuditEntry } from '../../domain/ports/audit.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { keys } from '../keys.ts';
import { collect, type Table } from '../table.ts';
import type { Seal } from './audit-chain.ts';
import { entriesOf, entryIn } from './audit-entries.ts';
import { dayOf, KEPT_SECONDS, REMOVAL_KIND } from './decision-record.ts';

const Removal = z.object({ removed: z.record(z.string(), z.int().nonnegative()) });

/** Compares the decisions whose records are found removed with the numbers in the log, by the day of the decision. */
export class RemovedDecisions {
  readonly #days = new Map<string, { logged: number; found: number; first?: string }>();

  /** Takes note of an entry for removals. Ignores others, and what retention would not have removed at that time. */
  logged({ kind, at, detail }: AuditEntry): void {
    if (kind !== REMOVAL_KIND) return;
    const keptFrom = dayOf(plusSeconds(at, -KEPT_SECONDS));
    for (const [day, count] of Object.entries(Removal.safeParse(detail).data?.removed ?? {}))
      if (day < keptFrom) this.#at(day).logged += count;
  }

  /** Takes note that the record of an entry for a decision was removed. */
  found({ id, at }: Pick<AuditEntry, 'id' | 'at'>): void {
    const day = this.#at(dayOf(at));
    day.found += 1;
    day.first ??= id;
  }

  /** Returns the first entry of a day on which more records were removed than the log has. Undefined: there is none. */
  unlogged(): string | undefined {
    return [...this.#days.values()].find(({ logged, found }) => found > logged)?.first;
  }

  #at(day: string): { logged: number; found: number; first?: string } {
    const known = this.#days.get(day) ?? { logged: 0, found: 0 };
    this.#days.set(day, known);
    return known;
  }
}

/**
 * Returns the entries that no seal up to `newest` covers. A minute leaves the open ones after its seals are written, so
 * none is missed if they are read in this order.
 */
export async function* entriesAfter(table: Table, newest: Seal | undefined): AsyncGenerator<AuditEntry> {
  const open = await collect(table.each(keys.logOpens().pk), ({ sk }) => String(sk));
  const later = table.each(keys.seals().pk, { from: keys.seal((newest?.number ?? 0) + 1).sk });
  const minutes = new Set([...open, ...(await collect(later, (item) => String(item['minute'])))]);
  for (const minute of minutes) {
    for await (const { text } of entriesOf(table, minute, minute === newest?.minute ? newest.to : null)) {
      const entry = entryIn(text);
      if (entry !== undefined) yield entry;
    }
  }
}
