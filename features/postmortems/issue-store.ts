import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { ActionItemIssues, ComparisonMark } from './types.ts';
import type { Clock } from '../../core/domain/ports/system.ts';
import { IncidentId } from '../../schemas/config/names.ts';
import { IssueRecord } from './schemas/postmortem.ts';
import { ActionItemId, type Tracker } from '../../schemas/action-items/action-item.ts';
import { Timestamp } from '../../schemas/time/time.ts';
import { keys } from './keys.ts';
import { collect, type Table } from '../../core/stores/table.ts';
import { absent, equals, type Item, put, remove, revisionIs, type Write } from '../../platforms/store.ts';

const Mark = z.object({ id: IncidentId, at: Timestamp, mark: z.string() });

/** Returns the write that marks an incident for a comparison of its action items with their issues. */
export const comparisonWrite = (id: IncidentId, at: Timestamp): Write =>
  put({ ...keys.issueComparison(id), at, mark: randomUUID() });

/** Stores the issues of action items beside their incidents. */
export class ActionItemIssueTable implements ActionItemIssues {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async read(id: IncidentId): Promise<IssueRecord | undefined> {
    const item = await this.#table.get(keys.issueRecord(id));
    return item && recordOf(item);
  }

  async readAll(ids: readonly IncidentId[]): Promise<IssueRecord[]> {
    const items = await this.#table.getAll([...new Set(ids)].map(keys.issueRecord));
    return items.flatMap((item) => (item === undefined ? [] : [recordOf(item)]));
  }

  async write(record: IssueRecord, found: readonly { tracker: Tracker; id: string }[] = []): Promise<boolean> {
    const { incident_id: id, rev } = record;
    const { ok } = await this.#table.transact([
      put({ ...keys.issueRecord(id), ...record }, rev === 1 ? absent : revisionIs(rev - 1)),
      ...found.map((issue) => put({ ...keys.issueIndex(issue.tracker, issue.id), incident_id: id })),
    ]);
    return ok;
  }

  async incidentOf(tracker: Tracker, issueId: string): Promise<IncidentId | undefined> {
    const item = await this.#table.get(keys.issueIndex(tracker, issueId));
    return item && IncidentId.parse(item['incident_id']);
  }

  async request(id: IncidentId, item: ActionItemId, by: string): Promise<void> {
    await this.#table.transact([
      put({ ...keys.issueRequest(id, item), item, by }),
      comparisonWrite(id, this.#clock.now()),
    ]);
  }

  async requested(id: IncidentId): Promise<{ item: ActionItemId; by: string }[]> {
    const { pk, sk } = keys.issueRequests(id);
    return collect(this.#table.each(pk, { prefix: sk }), (item) => ({
      item: ActionItemId.parse(item['item']),
      by: String(item['by']),
    }));
  }

  async fulfilled(id: IncidentId, items: readonly ActionItemId[]): Promise<void> {
    if (items.length > 0) await this.#table.transact(items.map((item) => remove(keys.issueRequest(id, item))));
  }

  async mark(id: IncidentId): Promise<void> {
    await this.#table.transact([comparisonWrite(id, this.#clock.now())]);
  }

  async marks(): Promise<ComparisonMark[]> {
    const all = await collect(this.#table.each(keys.issueComparisons().pk), ({ sk, at, mark }) =>
      Mark.parse({ id: sk, at, mark }),
    );
    return all.toSorted((a, b) => (a.at < b.at ? -1 : 1));
  }

  async settle({ id, mark }: ComparisonMark, next: Timestamp | null): Promise<void> {
    const key = keys.issueComparison(id);
    const same = equals('mark', mark);
    await this.#table.transact([
      next === null ? remove(key, same) : put({ ...key, at: next, mark: randomUUID() }, same),
    ]);
  }
}

const recordOf = (item: Item): IssueRecord => IssueRecord.parse(item);
