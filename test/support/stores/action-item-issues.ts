import { randomUUID } from 'node:crypto';
import type { ActionItemIssues, ComparisonMark } from '../../../domain/ports/postmortems.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { ActionItemId, IssueRecord, Tracker } from '../../../schemas/postmortems/postmortem.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { FakeStore } from './store.ts';

/** Issues of action items in memory. `test/aws/table/postmortems/` tests it together with the table. */
export class FakeActionItemIssues implements ActionItemIssues {
  readonly #store: Pick<FakeStore, 'issueMarks' | 'clock'>;
  readonly #records = new Map<IncidentId, IssueRecord>();
  readonly #index = new Map<string, IncidentId>();
  readonly #requests = new Map<IncidentId, Map<ActionItemId, string>>();

  constructor(store: Pick<FakeStore, 'issueMarks' | 'clock'>) {
    this.#store = store;
  }

  async read(id: IncidentId): Promise<IssueRecord | undefined> {
    return this.#records.get(id);
  }

  async readAll(ids: readonly IncidentId[]): Promise<IssueRecord[]> {
    return [...new Set(ids)].flatMap((id) => this.#records.get(id) ?? []);
  }

  async write(record: IssueRecord, found: readonly { tracker: Tracker; id: string }[] = []): Promise<boolean> {
    const { incident_id: id, rev } = record;
    if ((this.#records.get(id)?.rev ?? 0) !== rev - 1) return false;
    this.#records.set(id, structuredClone(record));
    for (const issue of found) this.#index.set(`${issue.tracker} ${issue.id}`, id);
    return true;
  }

  async incidentOf(tracker: Tracker, issueId: string): Promise<IncidentId | undefined> {
    return this.#index.get(`${tracker} ${issueId}`);
  }

  async request(id: IncidentId, item: ActionItemId, by: string): Promise<void> {
    this.#requests.set(id, new Map([...(this.#requests.get(id) ?? []), [item, by]]));
    await this.mark(id);
  }

  async requested(id: IncidentId): Promise<{ item: ActionItemId; by: string }[]> {
    return [...(this.#requests.get(id) ?? [])].map(([item, by]) => ({ item, by }));
  }

  async fulfilled(id: IncidentId, items: readonly ActionItemId[]): Promise<void> {
    for (const item of items) this.#requests.get(id)?.delete(item);
  }

  async mark(id: IncidentId): Promise<void> {
    this.#store.issueMarks.set(id, { at: this.#store.clock.now(), mark: randomUUID() });
  }

  async marks(): Promise<ComparisonMark[]> {
    const all = [...this.#store.issueMarks].map(([id, mark]) => ({ id, ...mark }));
    return all.toSorted((a, b) => (a.at < b.at ? -1 : 1));
  }

  async settle({ id, mark }: ComparisonMark, next: Timestamp | null): Promise<void> {
    if (this.#store.issueMarks.get(id)?.mark !== mark) return;
    if (next === null) this.#store.issueMarks.delete(id);
    else this.#store.issueMarks.set(id, { at: next, mark: randomUUID() });
  }
}
