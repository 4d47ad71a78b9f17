import { randomUUID } from 'node:crypto';
import type { AuditEntry } from '../../../domain/ports/freeze.ts';
import type { Page } from '../../../domain/ports/common.ts';
import type { Postmortems, StoredActionItem, StoredPostmortem } from '../../../domain/ports/postmortems.ts';
import { withTimes } from '../../../domain/postmortems/action-items.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { ExperimentId } from '../../../schemas/experiments/experiment.ts';
import type { PostmortemRecord } from '../../../schemas/postmortems/postmortem.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { FakeStore } from './store.ts';

/** Post-mortems in memory. `test/aws/table/postmortems/` tests it together with the table. */
export class FakePostmortems implements Postmortems {
  readonly #store: Pick<FakeStore, 'postmortemsDue' | 'issueMarks'>;
  readonly #records = new Map<IncidentId, PostmortemRecord>();
  readonly #texts = new Map<string, string>();
  readonly #items = new Map<IncidentId | ExperimentId, readonly StoredActionItem[]>();
  readonly audited: AuditEntry[] = [];

  constructor(store: Pick<FakeStore, 'postmortemsDue' | 'issueMarks'>) {
    this.#store = store;
  }

  async read(id: IncidentId): Promise<StoredPostmortem | undefined> {
    const record = this.#records.get(id);
    const markdown = record && (await this.text(id, record.revision));
    return record === undefined || markdown === undefined ? undefined : { record, markdown };
  }

  async text(id: IncidentId, revision: number): Promise<string | undefined> {
    return this.#texts.get(`${id} ${revision}`);
  }

  async save(
    { record, markdown }: StoredPostmortem,
    items: readonly StoredActionItem[],
    entry: AuditEntry,
  ): Promise<boolean> {
    const { incident_id: id, revision } = record;
    if ((this.#records.get(id)?.revision ?? 0) !== revision - 1) return false;
    this.#records.set(id, record);
    this.#texts.set(`${id} ${revision}`, markdown);
    this.#items.set(id, withTimes(items, this.#items.get(id) ?? []));
    this.#store.issueMarks.set(id, { at: record.updated_at, mark: randomUUID() });
    this.audited.push(entry);
    return true;
  }

  async due(): Promise<{ id: IncidentId; since: Timestamp }[]> {
    return [...this.#store.postmortemsDue].map(([id, since]) => ({ id, since }));
  }

  async settle(id: IncidentId): Promise<void> {
    this.#store.postmortemsDue.delete(id);
  }

  async unpublished(): Promise<PostmortemRecord[]> {
    return [...this.#records.values()].filter(({ state }) => state === 'draft' || state === 'in_review');
  }

  async remind(
    { incident_id: id, revision }: PostmortemRecord,
    reminded: NonNullable<PostmortemRecord['reminded']>,
  ): Promise<boolean> {
    const record = this.#records.get(id);
    if (record?.revision !== revision || (record.reminded?.times ?? 0) >= reminded.times) return false;
    this.#records.set(id, { ...record, reminded });
    return true;
  }

  async actionItems({
    limit,
    cursor,
    keep,
  }: Parameters<Postmortems['actionItems']>[0]): Promise<Page<StoredActionItem>> {
    const newest = [...this.#items].toSorted(([a], [b]) => (a < b ? 1 : -1)).flatMap(([, items]) => items);
    const from = cursor === undefined ? 0 : Number(cursor);
    const found = newest.flatMap((item, at) => (at >= from && keep(item) ? [{ item, at }] : []));
    const last = found[limit - 1];
    return {
      items: found.slice(0, limit).map(({ item }) => item),
      next_cursor: last === undefined ? null : String(last.at + 1),
    };
  }

  async addExperimentItems(items: readonly StoredActionItem[]): Promise<void> {
    for (const item of items) {
      const id = item.experiment_id;
      if (id === null) throw new Error('not of an experiment');
      const known = this.#items.get(id) ?? [];
      if (!known.some((one) => one.id === item.id)) this.#items.set(id, [...known, item]);
    }
  }

  async changeExperimentItem(item: StoredActionItem, before: StoredActionItem, entry: AuditEntry): Promise<boolean> {
    const id = item.experiment_id;
    const known = (id !== null && this.#items.get(id)) || [];
    if (id === null || known.find((one) => one.id === item.id)?.updated_at !== before.updated_at) return false;
    this.#items.set(
      id,
      known.map((one) => (one.id === item.id ? item : one)),
    );
    this.audited.push(entry);
    return true;
  }

  async itemsOf(_: string, id: IncidentId | ExperimentId): Promise<StoredActionItem[]> {
    return [...(this.#items.get(id) ?? [])];
  }

  async openItemsOf(service: string): Promise<StoredActionItem[]> {
    return [...this.#items.values()].flat().filter((item) => item.service === service && !item.done);
  }
}
