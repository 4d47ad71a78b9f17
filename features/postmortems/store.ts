import * as z from 'zod';
import type { AuditEntry } from '../../core/domain/ports/audit.ts';
import type { Page } from '../../core/domain/ports/common.ts';
import { withTimes } from './decisions/action-items.ts';
import type { Postmortems, RevisionText, StoredPostmortem } from './types.ts';
import type { StoredActionItem } from '../../core/domain/ports/action-items.ts';
import { IncidentId } from '../../schemas/config/names.ts';
import { DraftFacts, PostmortemRecord, PostmortemState } from './schemas/postmortem.ts';
import { ActionItem, ActionItemId } from '../../schemas/action-items/action-item.ts';
import { readAs } from '../../schemas/parsing/read-as.ts';
import { Timestamp } from '../../schemas/time/time.ts';
import { auditWrite } from '../../core/stores/audit/audit-writes.ts';
import { keys, LIST } from './keys.ts';
import { projectionMarkWrite } from '../../core/stores/incidents/projections.ts';
import { comparisonWrite } from './issue-store.ts';
import { collect, type Table } from '../../core/stores/table.ts';
import {
  absent,
  allOf,
  anyOf,
  below,
  type Condition,
  equals,
  type Item,
  put,
  remove,
  update,
  type Write,
} from '../../platforms/store.ts';

/** A state of a newer version stays open to people, and is not published again. */
const StoredRecord = PostmortemRecord.extend({ state: readAs(PostmortemState, 'in_review') });

const StoredText = z.object({ markdown: z.string(), facts: DraftFacts.optional() });

const StoredItem = z.object({
  ...ActionItem.shape,
  id: ActionItemId,
  incident_id: IncidentId.nullable(),
  experiment_id: z
    .string()
    .nullish()
    .transform((id) => id ?? null),
  service: z.string(),
  environment: z.string(),
  alert: z.string(),
  updated_at: Timestamp,
});

/** Stores post-mortems beside their incidents, with an item for each version and each action item. */
export class PostmortemTable implements Postmortems {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async read(id: IncidentId): Promise<StoredPostmortem | undefined> {
    const item = await this.#table.get(keys.postmortem(id));
    if (item === undefined) return undefined;
    const record = StoredRecord.parse(item);
    const text = await this.text(id, record.revision);
    if (text === undefined) throw new Error(`the text of post-mortem ${id}, revision ${record.revision}, is missing`);
    return { record, markdown: text.markdown };
  }

  async text(id: IncidentId, revision: number): Promise<RevisionText | undefined> {
    const item = await this.#table.get(keys.postmortemText(id, revision));
    return item && StoredText.parse(item);
  }

  async save(
    { record, markdown }: StoredPostmortem,
    items: readonly StoredActionItem[],
    entry: AuditEntry,
  ): Promise<boolean> {
    const { incident_id: id, revision, service, state } = record;
    const before = await this.itemsOf(service, id);
    const ids = new Set<string>(items.map((item) => item.id));
    const open = keys.postmortemOpen(id);
    const { ok } = await this.#table.transact([
      put({ ...keys.postmortem(id), ...record }, revision === 1 ? absent : isRevision(revision - 1)),
      put({
        ...keys.postmortemText(id, revision),
        markdown,
        facts: record.facts,
        at: record.updated_at,
        by: record.updated_by,
      }),
      state === 'draft' || state === 'in_review' ? put({ ...open, incident_id: id }) : remove(open),
      auditWrite(entry),
      comparisonWrite(id, record.updated_at),
      ...(state === 'published' ? [projectionMarkWrite(`postmortem:${id}`, record.updated_at)] : []),
      ...withTimes(items, before).map((item, position) => this.#itemWrite(item, position)),
      ...before.filter((one) => !ids.has(one.id)).map((one) => remove(keys.actionItem(service, one.id))),
    ]);
    return ok;
  }

  /** The first item of the newest incident comes first in the list. */
  #itemWrite(item: StoredActionItem, position: number, condition?: Condition): Write {
    const rank = String(99 - position).padStart(2, '0');
    return put(
      {
        ...keys.actionItem(item.service, item.id),
        ...item,
        list: LIST,
        list_key: `${item.incident_id ?? item.experiment_id}#${rank}`,
      },
      condition,
    );
  }

  async addItems(items: readonly StoredActionItem[]): Promise<void> {
    // One at a time, so that an item that exists does not prevent the others.
    for (const [position, item] of items.entries())
      await this.#table.transact([this.#itemWrite(item, position, absent)]);
  }

  async replaceItem(
    item: StoredActionItem,
    { updated_at: read }: StoredActionItem,
    entry: AuditEntry,
  ): Promise<boolean> {
    const { id, service, done, owner, due, priority, title, updated_at } = item;
    const { ok } = await this.#table.transact([
      update(
        keys.actionItem(service, id),
        { set: { done, owner, due, priority, title, updated_at } },
        equals('updated_at', read),
      ),
      auditWrite(entry),
    ]);
    return ok;
  }

  async due(): Promise<{ id: IncidentId; since: Timestamp }[]> {
    return collect(this.#table.each(keys.postmortemsDue().pk), ({ sk, since }) => ({
      id: IncidentId.parse(sk),
      since: Timestamp.parse(since),
    }));
  }

  async settle(id: IncidentId): Promise<void> {
    await this.#table.transact([remove(keys.postmortemDue(id))]);
  }

  async unpublished(): Promise<PostmortemRecord[]> {
    const ids = await collect(this.#table.each(keys.postmortemsOpen().pk), ({ sk }) => IncidentId.parse(sk));
    const items = await this.#table.getAll(ids.map(keys.postmortem));
    return items.flatMap((item) => (item === undefined ? [] : [StoredRecord.parse(item)]));
  }

  async remind(
    { incident_id: id, revision }: PostmortemRecord,
    reminded: NonNullable<PostmortemRecord['reminded']>,
  ): Promise<boolean> {
    const { ok } = await this.#table.transact([
      update(
        keys.postmortem(id),
        { set: { reminded } },
        allOf(
          equals('revision', revision),
          anyOf(equals('reminded', null), below(['reminded', 'times'], reminded.times)),
        ),
      ),
    ]);
    return ok;
  }

  async actionItems({ keep, ...page }: Parameters<Postmortems['actionItems']>[0]): Promise<Page<StoredActionItem>> {
    const { items, next_cursor } = await this.#table.page({ list: LIST }, page, (item) => keep(itemIn(item)));
    return { items: items.map(itemIn), next_cursor };
  }

  async itemsOf(service: string, id: IncidentId | string): Promise<StoredActionItem[]> {
    return collect(this.#table.each(keys.actionItemsOf(service).pk, { prefix: `${id}-` }), itemIn);
  }

  async openItemsOf(service: string): Promise<StoredActionItem[]> {
    const items = await collect(this.#table.each(keys.actionItemsOf(service).pk), itemIn);
    return items.filter(({ done }) => !done);
  }
}

const itemIn = (item: Item): StoredActionItem => StoredItem.parse(item);

const isRevision = (revision: number): Condition => equals('revision', revision);
