import * as z from 'zod';
import type { Digests } from '../../domain/ports.ts';
import type { ToldBefore } from '../../domain/digest.ts';
import type { IncidentId } from '../../schemas/names.ts';
import { Timestamp } from '../../schemas/time.ts';
import { sha256 } from '../hash.ts';
import { keys } from './keys.ts';
import { collect, type Table } from './table.ts';

const Kept = z.object({ stakeholder: z.string(), about: z.string(), at: Timestamp });

/** What stakeholders were told: an item for each of them beside the incident. */
export class DigestTable implements Digests {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async read(id: IncidentId): Promise<Record<string, ToldBefore>> {
    const { pk, sk } = keys.digest(id, '');
    const items = await collect(this.#table.each(pk, sk), (item) => Kept.parse(item));
    return Object.fromEntries(items.map(({ stakeholder, about, at }) => [stakeholder, { about, at }]));
  }

  async record(id: IncidentId, stakeholder: string, { about, at }: ToldBefore): Promise<void> {
    const item = { ...keys.digest(id, sha256(stakeholder).slice(0, 32)), stakeholder, about, at };
    await this.#table.transact([this.#table.put(item)]);
  }
}
