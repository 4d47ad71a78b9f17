import { causeKey } from '../decisions/ids.ts';
import { revisionOf } from '../decisions/budget/plan-freezes.ts';
import type { Freezes, OverrideUse } from '../types.ts';
import type { Projections } from '../../../core/domain/incidents/projections.ts';
import type { Page } from '../../../core/domain/ports/common.ts';
import type { Clock } from '../../../core/domain/ports/system.ts';
import type { Freeze, Override } from '../schemas/freeze.ts';
import { readFreeze } from './read-freeze.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { AuditLogTable } from '../../../core/stores/audit/audit-log.ts';
import { type Changed, changes, type ReadFreeze } from './freeze-changes.ts';
import { entries } from './freeze-entries.ts';
import { scopeWrite } from './freeze-state.ts';
import { FREEZE_LIST, keys } from '../keys.ts';
import { collect, type Table } from '../../../core/stores/table.ts';
import { absent, type Item, put, remove, revisionIs, type Write } from '../../../platforms/store.ts';

/** Attempts at concurrent changes of the same freeze, with a random pause between them. */
const TRIES = 40;
const PAUSE_MAX_MS = 40;

/**
 * Stores freezes. The record is authoritative. Beside it, written in the same transaction: the item of its scope for
 * checks, the row of unsettled freezes, and the row of its cause, so that one cause opens one freeze.
 */
export class FreezeTable implements Freezes {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #audit: AuditLogTable;
  readonly #changed: Projections['changed'];

  /** @param changed wakes the projectors of a freeze from its start to its end; they don't show overrides */
  constructor(
    table: Table,
    clock: Clock,
    audit: AuditLogTable,
    changed: Projections['changed'] = async () => undefined,
  ) {
    this.#table = table;
    this.#clock = clock;
    this.#audit = audit;
    this.#changed = changed;
  }

  async open(freeze: Freeze): Promise<{ freeze: Freeze; created: boolean }> {
    const opened = await this.#openOrFind(freeze);
    await this.#changed(`freeze:${opened.freeze.id}`);
    return opened;
  }

  async #openOrFind(freeze: Freeze): Promise<{ freeze: Freeze; created: boolean }> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const before = await this.#existing(freeze);
      if (before !== undefined) return { freeze: before, created: false };
      const scope = await this.#table.get(keys.freezeScope(freeze));
      const result = await this.#audit.transact(
        [
          put(recordItem(freeze, 0), absent),
          ...this.#unsettledWrites(freeze),
          scopeWrite([freeze], this.#clock.now(), scope, true),
        ],
        [entries.opened(freeze)],
      );
      if (result.ok) return { freeze, created: true };
    }
    throw new Error(`cannot open or find freeze ${freeze.id}`);
  }

  /** Returns the existing freeze: itself, or one with the same cause. */
  async #existing(freeze: Freeze): Promise<Freeze | undefined> {
    const cause = causeKey(freeze);
    const [own, causeRow] = await this.#table.getAll([
      keys.freeze(freeze.id),
      ...(cause === null ? [] : [keys.freezeCause(cause)]),
    ]);
    if (own === undefined) return causeRow && this.get(String(causeRow['freeze_id']));
    const record = readFreeze(own);
    const isComputed = record.cause === 'calendar' || record.cause === 'incident';
    const revision = isComputed ? revisionOf(record, freeze) : undefined;
    return revision === undefined ? record : this.revise(revision);
  }

  /** Prevents a second opening, and lists the freeze until it is settled. */
  #unsettledWrites(freeze: Freeze): Write[] {
    const cause = causeKey(freeze);
    return [
      put({ ...keys.freezing(freeze.id), freeze_id: freeze.id }),
      ...(cause === null ? [] : [put({ ...keys.freezeCause(cause), freeze_id: freeze.id }, absent)]),
    ];
  }

  async end(
    id: string,
    end: { at: Timestamp; by: string; reason: string; settled: boolean },
  ): Promise<Freeze | undefined> {
    const ended = await this.#change(id, (found) => changes.end(found, end));
    await this.#changed(`freeze:${id}`);
    return ended;
  }

  async settle(id: string, at: Timestamp): Promise<void> {
    await this.#change(id, (found) => changes.settle(found, at));
  }

  async revise({ id, ...revision }: Parameters<Freezes['revise']>[0]): Promise<Freeze | undefined> {
    const revised = await this.#change(id, (found) => changes.revise(found, revision));
    await this.#changed(`freeze:${id}`);
    return revised;
  }

  async get(id: string): Promise<Freeze | undefined> {
    const item = await this.#table.get(keys.freeze(id));
    return item && readFreeze(item);
  }

  async list(
    query: { limit: number; cursor?: string },
    isWanted: (freeze: Freeze) => boolean = () => true,
  ): Promise<Page<Freeze>> {
    const page = await this.#table.page({ list: FREEZE_LIST }, query, (item) => isWanted(readFreeze(item)));
    return { ...page, items: page.items.map((item) => readFreeze(item)) };
  }

  async current(): Promise<Freeze[]> {
    const rows = await collect(this.#table.each(keys.freezings().pk), (row) => keys.freeze(String(row['freeze_id'])));
    const items = await this.#table.getAll(rows);
    // A freeze settled in the meantime has its record but no row.
    return items.flatMap((item) => (item === undefined ? [] : [readFreeze(item)])).filter((one) => !isDone(one));
  }

  async addOverride(id: string, override: Override): Promise<Freeze | undefined> {
    const freeze = await this.#change(id, (found) => changes.addOverride(found, override));
    await this.#changed(`freeze:${id}`);
    return freeze;
  }

  async approveOverride(id: string, override: string, by: string): Promise<Freeze | 'unknown' | 'own'> {
    const freeze = await this.#change(id, (found) => changes.approveOverride(found, override, by));
    await this.#changed(`freeze:${id}`);
    return freeze ?? 'unknown';
  }

  async withdrawOverride(id: string, override: string, by: string, reason?: string): Promise<Freeze | undefined> {
    const freeze = await this.#change(id, (found) => changes.withdrawOverride(found, override, by, reason));
    await this.#changed(`freeze:${id}`);
    return freeze;
  }

  async useOverrides(
    uses: readonly OverrideUse[],
    by: string,
    version: string | null = null,
  ): Promise<'used' | 'again' | 'spent'> {
    return this.#attempt(uses.map(({ freeze }) => freeze).join(' and '), async () => {
      const counted = await Promise.all(uses.map((use) => this.#use(use, by, version)));
      if (counted.includes('spent')) return { answer: 'spent' };
      const used = counted.filter((one) => typeof one === 'object');
      if (used.length === 0) return { answer: 'again' };
      const result = await this.#audit.transact(
        [...(await this.#writes(used)), ...used.map(({ mark }) => mark)],
        used.map(({ changes: { entry } }) => entry),
      );
      return result.ok ? { answer: 'used' } : null;
    });
  }

  async #use(
    { freeze: id, override, deployment }: OverrideUse,
    by: string,
    version: string | null,
  ): Promise<'again' | 'spent' | (StoredChange & { mark: Write })> {
    const key = keys.freezeUse(id, override, deployment);
    const [stored, use] = await Promise.all([this.#read(id), this.#table.get(key)]);
    if (stored === undefined) return 'spent';
    const changed = changes.useOverride(stored.found, override, { deployment, version, by, again: use !== undefined });
    if ('answer' in changed) return changed.answer;
    return { stored, changes: changed, mark: put({ ...key, by, used_at: this.#clock.now() }, absent) };
  }

  /**
   * Changes a freeze. Returns undefined if there is no freeze with this id.
   *
   * @param decide is called again after each concurrent change
   */
  #change<Answer>(id: string, decide: (found: ReadFreeze) => Changed<Answer>): Promise<Answer | Freeze | undefined> {
    return this.#attempt<Answer | Freeze | undefined>(id, async () => {
      const stored = await this.#read(id);
      if (stored === undefined) return { answer: undefined };
      const changed = decide(stored.found);
      if ('answer' in changed) return changed;
      const result = await this.#audit.transact(await this.#writes([{ stored, changes: changed }]), [changed.entry]);
      return result.ok ? { answer: changed.next } : null;
    });
  }

  /** Attempts a change until no concurrent one prevents it. Null: one has. */
  async #attempt<Answer>(what: string, change: () => Promise<{ answer: Answer } | null>): Promise<Answer> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const done = await change();
      if (done !== null) return done.answer;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * PAUSE_MAX_MS));
    }
    throw new Error(`freeze ${what} changed during all ${TRIES} attempts; try again`);
  }

  async #read(id: string): Promise<StoredFreeze | undefined> {
    const item = await this.#table.get(keys.freeze(id));
    return item && { item, found: { freeze: readFreeze(item), rev: Number(item['rev']) + 1, now: this.#clock.now() } };
  }

  /** Returns the writes of changed freezes, with one for each scope: a transaction has one write of each item. */
  async #writes(changed: readonly StoredChange[]): Promise<Write[]> {
    const scopes = [...Map.groupBy(changed, ({ changes: { next } }) => keys.freezeScope(next).pk).values()];
    const ofScopes = scopes.map(async ([first, ...others]) => {
      if (first === undefined) return [];
      const scope = await this.#table.get(keys.freezeScope(first.changes.next));
      const grows = [first, ...others].some((one) => one.changes.grows === true);
      return [scopeWrite([recordOf(first), ...others.map(recordOf)], first.stored.found.now, scope, grows)];
    });
    return [...changed.flatMap((one) => this.#recordWrites(one)), ...(await Promise.all(ofScopes)).flat()];
  }

  #recordWrites(change: StoredChange): Write[] {
    const { next } = change.changes;
    const { freeze: before, rev } = change.stored.found;
    const cause = before.settled_at === null && next.settled_at !== null ? causeKey(next) : null;
    const isBack = before.settled_at !== null && next.settled_at === null;
    return [
      put(recordItem(recordOf(change), rev), revisionIs(rev - 1)),
      ...(cause === null ? [] : [remove(keys.freezeCause(cause))]),
      ...(isDone(next) ? [remove(keys.freezing(next.id))] : []),
      ...(isBack ? this.#unsettledWrites(next) : []),
    ];
  }
}

/** `item`: the record as read, including fields that a newer version has written. */
type StoredFreeze = { item: Item; found: ReadFreeze };

/** A change of a stored freeze. */
type StoredChange = { stored: StoredFreeze; changes: Extract<Changed<unknown>, { next: Freeze }> };

/** Returns the freeze as it is stored after the change. */
const recordOf = ({
  stored: {
    item,
    found: { freeze: before },
  },
  changes: { next },
}: StoredChange): Freeze => ({
  ...fieldsIn(item),
  ...next,
  ...(next.cause === before.cause && { cause: storedCause(item) }),
});

const recordItem = (freeze: Freeze, rev: number): Item => ({
  ...keys.freeze(freeze.id),
  ...freeze,
  rev,
  list: FREEZE_LIST,
  list_key: `${freeze.opened_at}#${freeze.id}`,
});

/** Keys are not fields of the record. */
const fieldsIn = ({ pk: _pk, sk: _sk, rev: _rev, list: _list, list_key: _key, ...fields }: Item): Item => fields;

/** A cause that only a newer version knows was parsed as another one; keep the original. */
const storedCause = (item: Item): Freeze['cause'] => item['cause'] as Freeze['cause'];

const isDone = ({ ended_at, settled_at }: Freeze): boolean => ended_at !== null && settled_at !== null;
