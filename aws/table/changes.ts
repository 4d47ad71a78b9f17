import type { Changes, Clock, Page, Place } from '../../domain/ports.ts';
import { aheadFrom, endOf, isAhead, putsVersionLive } from '../../domain/versions.ts';
import { type Change, type ChangePatch, type NewChange } from '../../schemas/change.ts';
import type { ChangeId } from '../../schemas/names.ts';
import { Timestamp } from '../../schemas/time.ts';
import { StoredChange } from '../../schemas/stored.ts';
import { canonicalJson, sha256 } from '../hash.ts';
import { type Key, keys, shardedLists } from './keys.ts';
import { pointedPage, shardedPage } from './sharded.ts';
import { absent, collect, type Item, type Table, type Write } from './table.ts';

const TRIES = 20;

/** How many changes back a version is looked for that runs again. */
const LOOKED_BACK = 50;

/** Deployments and everything else that alters production. */
export class ChangeTable implements Changes {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async record(
    input: NewChange,
    { made_for }: { made_for?: string } = {},
  ): Promise<{ change: Change; created: boolean }> {
    const change = newChange(input, this.#clock.now(), made_for ?? null);
    const result = await this.#table.transact(changeWrites(this.#table, change, true));
    const first = result.ok ? change : await this.get(change.id);
    if (first === undefined) throw new Error(`deployment ${change.id} could neither be recorded nor read`);
    await this.#live(first); // again, too: whoever recorded it first may have died before this
    return { change: first, created: result.ok };
  }

  async patch(id: ChangeId, patch: ChangePatch): Promise<Change | 'ended' | undefined> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const item = await this.#item(id);
      if (item === undefined) return undefined;
      const rev = Number(item['rev'] ?? 0);
      const before = StoredChange.parse(item);
      if (patch.status === 'started' && before.status !== 'started') return 'ended';
      const change = patched(before, patch, this.#clock.now());
      const key = keys.change(change, change.started_at, id);
      const result = await this.#table.transact([
        this.#table.put(
          // A newer version may have written more than is known here.
          { ...item, ...changeItem(change, key), rev: rev + 1 },
          {
            ConditionExpression: 'rev = :rev OR (attribute_not_exists(rev) AND :rev = :zero)',
            ExpressionAttributeValues: { ':rev': rev, ':zero': 0 },
          },
        ),
        ...rollingWrites(this.#table, change, key),
        ...failureWrites(this.#table, change, key),
      ]);
      if (!result.ok) continue;
      await this.#live(change);
      return change;
    }
    throw new Error(`deployment ${id} changed ${TRIES} times meanwhile; try again`);
  }

  async get(id: ChangeId): Promise<Change | undefined> {
    const item = await this.#item(id);
    return item && StoredChange.parse(item);
  }

  async #item(id: ChangeId): Promise<Item | undefined> {
    const key = await keyOfChange(this.#table, id);
    return key && this.#table.get(key);
  }

  async list({
    service,
    environment,
    ...query
  }: Partial<Place> & { limit: number; cursor?: string }): Promise<Page<Change>> {
    const page =
      service === undefined
        ? await shardedPage(this.#table, shardedLists.changes, query, isIn(environment))
        : environment === undefined
          ? await pointedPage(
              this.#table,
              { list: shardedLists.changes, pk: keys.changesOf(service).pk, to: pointee },
              query,
            )
          : await this.#table.page(
              {
                ConsistentRead: true,
                KeyConditionExpression: 'pk = :pk',
                ExpressionAttributeValues: { ':pk': keys.changes({ service, environment }).pk },
              },
              query,
            );
    return { ...page, items: page.items.map((item) => StoredChange.parse(item)) };
  }

  async recent(place: Place, limit: number): Promise<Change[]> {
    const changes: Change[] = [];
    const until = `${aheadFrom(this.#clock.now())}#\uffff`;
    for await (const item of this.#table.each(keys.changes(place).pk, '', { newestFirst: true, until, limit }))
      changes.push(StoredChange.parse(item));
    return changes.toReversed();
  }

  async live(): Promise<Change[]> {
    const changes: Change[] = [];
    for await (const item of this.#table.each('LIVE')) {
      const change = StoredChange.parse(item['change']);
      const runs = isAhead(change, this.#clock.now()) ? await this.#newestLive(change) : change;
      if (runs !== undefined) changes.push(runs);
    }
    return changes;
  }

  /** The newest succeeded change of a place, apart from one. */
  async #newestLive(apart: Change): Promise<Change | undefined> {
    const changes = await this.recent(apart, LOOKED_BACK);
    return changes.findLast(
      (change) => putsVersionLive(change) && change.status === 'succeeded' && change.id !== apart.id,
    );
  }

  async rolling(): Promise<{ change: Change; overdueAt: Timestamp | null }[]> {
    return (await this.#pointedTo(keys.rollings())).map(({ row, change }) => ({ change, overdueAt: overdueIn(row) }));
  }

  async failures(): Promise<{ change: Change; failedAt: Timestamp }[]> {
    const found = await this.#pointedTo(keys.failures());
    return found.map(({ row, change }) => ({ change, failedAt: Timestamp.parse(row['failed_at']) }));
  }

  async endFailure(id: ChangeId): Promise<void> {
    await this.#table.transact([this.#table.remove(keys.failure(id))]);
  }

  /** The records to which all rows of a partition point. */
  async #pointedTo({ pk }: Pick<Key, 'pk'>): Promise<{ row: Item; change: Change }[]> {
    const rows = await collect(this.#table.each(pk), (item) => item);
    const items = await this.#table.getAll(rows.map(pointee));
    return rows.flatMap((row, n) => (items[n] === undefined ? [] : [{ row, change: StoredChange.parse(items[n]) }]));
  }

  async setOverdue(id: ChangeId, at: Timestamp): Promise<void> {
    await this.#table.transact([
      this.#table.update(keys.rolling(id), {
        UpdateExpression: 'SET overdue_at = :at',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: { ':at': at },
      }),
    ]);
  }

  async forgetRolling(id: ChangeId): Promise<void> {
    await this.#table.transact([this.#table.remove(keys.rolling(id))]);
  }

  async overdueAt(id: ChangeId): Promise<Timestamp | null> {
    return overdueIn(await this.#table.get(keys.rolling(id)));
  }

  /** Keeps the newest succeeded change of a place at hand; a late record of an older one leaves it. */
  async #live(change: Change): Promise<void> {
    if (!putsVersionLive(change)) return;
    const now = this.#clock.now();
    if (change.status === 'succeeded' && isAhead(change, now)) return;
    if (change.status === 'succeeded') await this.#table.transact([liveWrite(this.#table, change, now)]);
    else await this.#notLive(change);
  }

  /** It was told to have succeeded, and then that it had not: what ran before it runs. */
  async #notLive(change: Change): Promise<void> {
    const row = await this.#table.get(keys.live(change));
    if (row === undefined || StoredChange.parse(row['change']).id !== change.id) return;
    const before = await this.#newestLive(change);
    const still = { ConditionExpression: 'since = :since', ExpressionAttributeValues: { ':since': row['since'] } };
    await this.#table.transact([
      before === undefined
        ? this.#table.remove(keys.live(change), still)
        : this.#table.put({ ...keys.live(change), change: before, since: endOf(before) }, still),
    ]);
  }
}

/**
 * A record from what was told, with what follows from it. The start defaults to now. The end of one that has ended
 * defaults to its start: for a record made hours later "now" would make an old deploy the suspect of a new problem.
 */
export function newChange(
  input: Omit<NewChange, 'kind' | 'status'> & Partial<Pick<NewChange, 'kind' | 'status'>>,
  now: Timestamp,
  madeFor: string | null,
): Change {
  const { service, environment, version, kind = 'deploy', status = 'succeeded' } = input;
  const started_at = input.started_at ?? input.finished_at ?? now;
  const identity = { service, environment, version, kind, started_at };
  return {
    ...identity,
    id: `chg_${sha256(canonicalJson(identity)).slice(0, 26)}` as ChangeId,
    status,
    commit: input.commit ?? null,
    committed_at: input.committed_at ?? null,
    commits: input.commits ?? [],
    finished_at: status === 'started' ? (input.finished_at ?? null) : (input.finished_at ?? started_at),
    author: input.author ?? null,
    url: input.url ?? null,
    has_migration: input.has_migration ?? null,
    rollback_safe_to: input.rollback_safe_to ?? null,
    previous_version: input.previous_version ?? null,
    canary_weight: input.canary_weight ?? null,
    rolled_back_by: null,
    made_for: madeFor,
    recorded_at: now,
  };
}

const later = (a: Timestamp, b: Timestamp): Timestamp => (a > b ? a : b);

function patched(change: Change, patch: ChangePatch, now: Timestamp): Change {
  const told = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as Partial<Change>;
  const next = { ...change, ...told };
  const ends = next.status !== 'started' && next.finished_at === null;
  return { ...next, commits: next.commits ?? [], finished_at: ends ? later(next.started_at, now) : next.finished_at };
}

/** Where the record with this id lies; undefined when there is none. */
export async function keyOfChange(table: Table, id: ChangeId): Promise<Key | undefined> {
  const pointer = await table.get(keys.changeById(id));
  return pointer && pointee(pointer);
}

/** The record to which a row points. */
const pointee = (row: Item): Key => ({ pk: String(row['at_pk']), sk: String(row['at_sk']) });

const isIn =
  (environment: string | undefined) =>
  (item: Item): boolean =>
    environment === undefined || item['environment'] === environment;

/** The record, and the pointer by its id; `once`: only if it is new. */
export function changeWrites(table: Table, change: Change, once = false): Write[] {
  const key = keys.change(change, change.started_at, change.id);
  return [
    table.put({ ...changeItem(change, key), rev: 0 }, once ? absent : undefined),
    table.put({ ...keys.changeById(change.id), at_pk: key.pk, at_sk: key.sk }),
    table.put({ ...keys.changeOf(change.service, change.started_at, change.id), at_pk: key.pk, at_sk: key.sk }),
    ...(change.status === 'started' ? rollingWrites(table, change, key) : []),
    ...failureWrites(table, change, key),
    ...(once || change.status !== 'succeeded' || !putsVersionLive(change)
      ? []
      : [table.put({ ...keys.live(change), change, since: endOf(change) })]),
  ];
}

const overdueIn = (row: Item | undefined): Timestamp | null =>
  row?.['overdue_at'] === undefined ? null : Timestamp.parse(row['overdue_at']);

/** A change that has begun is at hand until its end is told. */
const rollingWrites = (table: Table, { id, status }: Change, { pk, sk }: Key): Write[] =>
  status === 'started'
    ? [
        table.update(keys.rolling(id), {
          UpdateExpression: 'SET at_pk = :pk, at_sk = :sk',
          ExpressionAttributeValues: { ':pk': pk, ':sk': sk },
        }),
      ]
    : [table.remove(keys.rolling(id))];

/** A change that has failed is at hand until it is said that this is over, with the end that was told first. */
const failureWrites = (table: Table, change: Change, { pk, sk }: Key): Write[] =>
  change.status === 'failed'
    ? [
        table.update(keys.failure(change.id), {
          UpdateExpression: 'SET at_pk = :pk, at_sk = :sk, failed_at = if_not_exists(failed_at, :at)',
          ExpressionAttributeValues: { ':pk': pk, ':sk': sk, ':at': endOf(change) },
        }),
      ]
    : [];

const changeItem = (change: Change, key: Key): Item => ({
  ...key,
  ...change,
  ...shardedLists.changes.place(change.id, `${change.started_at}#${change.id}`),
});

/** What is told to have gone live in the future gives way to whatever is not. */
const liveWrite = (table: Table, change: Change, now: Timestamp): Write =>
  table.put(
    { ...keys.live(change), change, since: endOf(change) },
    {
      ConditionExpression: 'attribute_not_exists(pk) OR since <= :since OR since > :ahead',
      ExpressionAttributeValues: { ':since': endOf(change), ':ahead': aheadFrom(now) },
    },
  );
