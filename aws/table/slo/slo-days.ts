import { gunzipSync, gzipSync } from 'node:zlib';
import type { SloDays } from '../../../domain/ports/slo.ts';
import type { SloId } from '../../../schemas/slo/slo.ts';
import { keys } from '../core/keys.ts';
import type { Table } from '../core/table.ts';

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
    for await (const item of this.#table.each(keys.sloDay(id, fromDay).pk, '', { from: fromDay })) {
      const day = String(item['sk']);
      if (day > untilDay) break;
      if (item['bytes'] instanceof Uint8Array) days.set(day, new Uint8Array(gunzipSync(item['bytes'])));
    }
    return days;
  }

  async save(id: SloId, day: string, bytes: Uint8Array): Promise<void> {
    const compressed = gzipSync(bytes);
    if (compressed.byteLength > DAY_MAX_BYTES)
      throw new Error(`${day} of objective ${id} has ${compressed.byteLength} bytes; the limit is ${DAY_MAX_BYTES}`);
    await this.#table.touch(keys.sloDay(id, day), {
      UpdateExpression: 'SET #bytes = :bytes, expires_at = :expires',
      ExpressionAttributeNames: { '#bytes': 'bytes' },
      ExpressionAttributeValues: { ':bytes': compressed, ':expires': Date.parse(day) / 1000 + RETENTION_SECONDS },
    });
  }
}
