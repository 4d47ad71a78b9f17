import type { Looks } from '../../domain/ports/looks.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { Look, LookVerdict } from '../../../schemas/incidents/look.ts';
import { readAs } from '../../../schemas/parsing/read-as.ts';
import { keys } from '../../stores/keys.ts';
import { collect, type Table } from '../../stores/table.ts';
import { absent, equals, put, update } from '../../../platforms/store.ts';

/** Reads a verdict of a newer version as one that leads to no action. */
const StoredLook = Look.extend({ verdict: readAs(LookVerdict, 'undecided').nullable() });

/** Stores controlled looks. */
export class LookTable implements Looks {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async begin(id: IncidentId, look: Look): Promise<Look> {
    const { ok } = await this.#table.transact([put({ ...keys.look(id, look.number), ...look }, absent)]);
    if (ok) return look;
    const stored = await this.get(id, look.number);
    if (stored === undefined) throw new Error(`cannot store or read look ${look.number} of incident ${id}`);
    return stored;
  }

  async get(id: IncidentId, number: number): Promise<Look | undefined> {
    const item = await this.#table.get(keys.look(id, number));
    return item && StoredLook.parse(item);
  }

  async end(id: IncidentId, number: number, result: Parameters<Looks['end']>[2]): Promise<void> {
    await this.#table.transact([update(keys.look(id, number), { set: result }, equals('ended_at', null))]);
  }

  async list(id: IncidentId): Promise<Look[]> {
    const stored = this.#table.each(keys.incident(id).pk, { prefix: 'LOOK#', newestFirst: true });
    return collect(stored, (item) => StoredLook.parse(item));
  }
}
