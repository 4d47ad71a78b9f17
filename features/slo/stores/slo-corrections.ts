import type { Page } from '../../../core/domain/ports/common.ts';
import type { Clock } from '../../../core/domain/ports/system.ts';
import type { CorrectionEnding, SloCorrections } from '../types.ts';
import type { SloId } from '../../../schemas/slo/slo.ts';
import { SloCorrection } from '../schemas/slo-correction.ts';
import { millisOf, type Timestamp } from '../../../schemas/time/time.ts';
import { auditWrite } from '../../../core/stores/audit/audit-writes.ts';
import type { Key } from '../../../core/stores/keys.ts';
import { keys } from '../keys.ts';
import { pageOfFew } from '../../../core/stores/small-list.ts';
import { collect, type Table } from '../../../core/stores/table.ts';
import { absent, allOf, anyOf, equals, missing, put, remove, update, type Write } from '../../../platforms/store.ts';

/** As long as the counts to which it applies. Recurring corrections are kept until they are withdrawn. */
const RETENTION_SECONDS = 800 * 24 * 3600;

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

  async record(correction: SloCorrection): Promise<SloCorrection> {
    const { slo, id, rrule, ends_at } = correction;
    const expiry = rrule === null ? { expires_at: expiryOf(ends_at) } : {};
    const written = (key: Key): Write => put({ ...key, ...correction, ...expiry }, absent);
    const { ok } = await this.#table.transact([
      written(keys.sloCorrection(slo, id)),
      written(keys.activeCorrection(slo, id)),
      this.#entryWrite(correction, 'recorded', correction.created_at, { by: correction.created_by, reason: null }),
    ]);
    if (ok) return correction;
    const stored = await this.#of(slo, id);
    if (stored === undefined) throw new Error(`the correction ${id} of ${slo} was not stored`);
    return stored;
  }

  async list(id: SloId, query: { limit: number; cursor?: string }): Promise<Page<SloCorrection>> {
    const all = await collect(this.#table.each(keys.sloCorrection(id, '').pk), (item) => SloCorrection.parse(item));
    return pageOfFew(all, (one) => `${one.created_at} ${one.id}`, query);
  }

  /** Makes a correction have no effect, also on the past. */
  async withdraw(slo: SloId, id: string, ending: CorrectionEnding): Promise<SloCorrection | undefined> {
    const before = await this.#of(slo, id);
    if (before === undefined || before.withdrawn_at !== null) return before;
    const at = this.#clock.now();
    const { ok } = await this.#table.transact([
      update(
        keys.sloCorrection(slo, id),
        {
          set: { withdrawn_at: at, withdrawn_by: ending.by, withdraw_reason: ending.reason, expires_at: expiryOf(at) },
        },
        equals('withdrawn_at', null),
      ),
      remove(keys.activeCorrection(slo, id)),
      this.#entryWrite(before, 'withdrawn', at, ending),
    ]);
    // Another request can be faster.
    return ok
      ? { ...before, withdrawn_at: at, withdrawn_by: ending.by, withdraw_reason: ending.reason }
      : this.#of(slo, id);
  }

  /** Ends a correction now. Its earlier periods stay in effect. */
  async end(slo: SloId, id: string, ending: CorrectionEnding): Promise<SloCorrection | undefined> {
    const before = await this.#of(slo, id);
    if (before === undefined || before.withdrawn_at !== null || before.ended_at !== null) return before;
    const at = this.#clock.now();
    // It also expires in the list of those in effect, as soon as the counts to which it applies do.
    const changes = {
      set: { ended_at: at, ended_by: ending.by, end_reason: ending.reason, expires_at: expiryOf(at) },
    };
    const isActive = allOf(equals('withdrawn_at', null), anyOf(missing('ended_at'), equals('ended_at', null)));
    const { ok } = await this.#table.transact([
      update(keys.sloCorrection(slo, id), changes, isActive),
      update(keys.activeCorrection(slo, id), changes, isActive),
      this.#entryWrite(before, 'ended', at, ending),
    ]);
    return ok ? { ...before, ended_at: at, ended_by: ending.by, end_reason: ending.reason } : this.#of(slo, id);
  }

  activeOf(slo: SloId): Promise<SloCorrection[]> {
    const { pk, sk } = keys.activeCorrection(slo, '');
    return collect(this.#table.each(pk, { prefix: sk }), (item) => SloCorrection.parse(item));
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

  async #of(slo: SloId, id: string): Promise<SloCorrection | undefined> {
    const item = await this.#table.get(keys.sloCorrection(slo, id));
    return item === undefined ? undefined : SloCorrection.parse(item);
  }

  #entryWrite(correction: SloCorrection, what: keyof typeof VERBS, at: Timestamp, ending: CorrectionEnding): Write {
    const { id, slo, category, reason, starts_at, ends_at, rrule, time_zone } = correction;
    const because = ending.reason === null ? '' : `; reason: ${ending.reason}`;
    const period = `${starts_at} to ${ends_at}${rrule === null ? '' : `, ${rrule}`}`;
    return auditWrite({
      id: `${id}:${what}`,
      at,
      actor: ending.by,
      kind: `slo_correction.${what}`,
      subject: slo,
      text: `${VERBS[what]} the correction ${id} (${category}, ${period}): ${reason}${because}`,
      detail: {
        correction: id,
        category,
        reason,
        starts_at,
        ends_at,
        rrule,
        time_zone,
        ...(ending.reason !== null && { ending_reason: ending.reason }),
      },
    });
  }
}

const VERBS = { recorded: 'Recorded', withdrawn: 'Withdrew', ended: 'Ended' } as const;

const expiryOf = (at: Timestamp): number => Math.ceil(millisOf(at) / 1000) + RETENTION_SECONDS;
