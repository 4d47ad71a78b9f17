import type { Page } from '../../../domain/ports/common.ts';
import type { Clock } from '../../../domain/ports/system.ts';
import type { SloCorrections } from '../../../domain/ports/slo.ts';
import type { SloId } from '../../../schemas/slo/slo.ts';
import { SloCorrection } from '../../../schemas/slo/slo-correction.ts';
import { millisOf, type Timestamp } from '../../../schemas/time/time.ts';
import { actWrite } from '../audit/act-entries.ts';
import { type Key, keys } from '../core/keys.ts';
import { pageOfFew } from '../core/small-list.ts';
import { absent, collect, type Table, type Write } from '../core/table.ts';

/** As long as the counts to which it applies. Recurring corrections are kept until they are withdrawn. */
const KEPT_SECONDS = 800 * 24 * 3600;

/**
 * Stores each correction under its objective, and again in one partition while it is in effect, so that an evaluation
 * reads all of them with one query.
 */
export class SloCorrectionTable implements SloCorrections {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async record(correction: SloCorrection): Promise<void> {
    const { slo, id, rrule, ends_at } = correction;
    const expiry = rrule === null ? { expires_at: keptUntil(ends_at) } : {};
    const put = (key: Key): Write => this.#table.put({ ...key, ...correction, ...expiry }, absent);
    const { ok } = await this.#table.transact([
      put(keys.sloCorrection(slo, id)),
      put(keys.activeCorrection(slo, id)),
      this.#entryWrite(correction, 'recorded', correction.created_at, correction.created_by),
    ]);
    if (!ok) throw new Error(`the correction ${id} of ${slo} is already stored`);
  }

  async list(id: SloId, query: { limit: number; cursor?: string }): Promise<Page<SloCorrection>> {
    const all = await collect(this.#table.each(keys.sloCorrection(id, '').pk), (item) => SloCorrection.parse(item));
    return pageOfFew(all, (one) => `${one.created_at} ${one.id}`, query);
  }

  async withdraw(slo: SloId, id: string, by: string): Promise<SloCorrection | undefined> {
    const key = keys.sloCorrection(slo, id);
    const item = await this.#table.get(key);
    if (item === undefined) return undefined;
    const before = SloCorrection.parse(item);
    if (before.withdrawn_at !== null) return before;
    const at = this.#clock.now();
    const { ok } = await this.#table.transact([
      this.#table.update(key, {
        UpdateExpression: 'SET withdrawn_at = :at, withdrawn_by = :by, expires_at = :expires',
        ConditionExpression: 'withdrawn_at = :null',
        ExpressionAttributeValues: { ':at': at, ':by': by, ':expires': keptUntil(at), ':null': null },
      }),
      this.#table.remove(keys.activeCorrection(slo, id)),
      this.#entryWrite(before, 'withdrawn', at, by),
    ]);
    if (ok) return { ...before, withdrawn_at: at, withdrawn_by: by };
    // Another request was faster.
    return SloCorrection.parse(await this.#table.get(key));
  }

  activeOf(slo: SloId): Promise<SloCorrection[]> {
    const { pk, sk } = keys.activeCorrection(slo, '');
    return collect(this.#table.each(pk, sk), (item) => SloCorrection.parse(item));
  }

  async active(): Promise<Map<SloId, SloCorrection[]>> {
    const found = new Map<SloId, SloCorrection[]>();
    for await (const item of this.#table.each(keys.activeCorrections().pk)) {
      const correction = SloCorrection.parse(item);
      const same = found.get(correction.slo);
      if (same === undefined) found.set(correction.slo, [correction]);
      else same.push(correction);
    }
    return found;
  }

  #entryWrite(correction: SloCorrection, what: 'recorded' | 'withdrawn', at: Timestamp, by: string): Write {
    const { id, slo, category, reason, starts_at, ends_at, rrule, time_zone } = correction;
    const period = `${starts_at} to ${ends_at}${rrule === null ? '' : `, ${rrule}`}`;
    return actWrite(this.#table, {
      id: `${id}:${what}`,
      at,
      actor: by,
      kind: `slo_correction.${what}`,
      subject: slo,
      text: `${what === 'recorded' ? 'Recorded' : 'Withdrew'} the correction ${id} (${category}, ${period}): ${reason}`,
      detail: { correction: id, category, reason, starts_at, ends_at, rrule, time_zone },
    });
  }
}

const keptUntil = (at: Timestamp): number => Math.ceil(millisOf(at) / 1000) + KEPT_SECONDS;
