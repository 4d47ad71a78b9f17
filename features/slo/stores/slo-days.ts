import { gunzipSync, gzipSync } from 'node:zlib';
import type { SloDays } from '../types.ts';
import type { SloId } from '../../../schemas/slo/slo.ts';
import { keys } from '../keys.ts';
import type { Table } from '../../../core/stores/table.ts';

/** An item holds 400 KB including keys and names. A day of five-minute buckets has about 2 KB. */
const DAY_MAX_BYTES = 300 * 1024;

/** From the day itself: twice the longest window that a yearly report covers. */
const RETENTION_SECONDS = 800 * 24 * 3600;

/** Stores an item for each day of an objective, so that a month is one query and each minute writes one small item. */
export class SloDayTable implements SloDays {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async load(id: SloId, fromDay: string, untilDay: string): Promise<Map<string, Uint8Array>> {
    const days = new Map<string, Uint8Array>();
    for await (const item of this.#table.each(keys.sloDay(id, fromDay).pk, { from: fromDay })) {
      const day = String(item['sk']);
      if (day > untilDay) break;
      days.set(day, new Uint8Array(gunzipSync(Buffer.from(String(item['gzip']), 'base64'))));
    }
    return days;
  }

  async save(id: SloId, day: string, bytes: Uint8Array): Promise<void> {
    const gzip = gzipSync(bytes).toString('base64');
    if (gzip.length > DAY_MAX_BYTES)
      throw new Error(`${day} of objective ${id} has ${gzip.length} bytes; the limit is ${DAY_MAX_BYTES}`);
    await this.#table.update(keys.sloDay(id, day), {
      set: { gzip, expires_at: Date.parse(day) / 1000 + RETENTION_SECONDS },
    });
  }
}
