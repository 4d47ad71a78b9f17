import { randomUUID } from 'node:crypto';
import type { Changes } from '../../domain/ports/changes.ts';
import type { Projections } from '../../domain/incidents/projections.ts';
import type { Page, ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Clock } from '../../domain/ports/system.ts';
import {
  latestPlausibleStart,
  endOf,
  startsTooFarAhead,
  patchedChange,
  notAhead,
  putsVersionLive,
} from '../../domain/changes/versions.ts';
import { reportedName, withIdentities, withOneName } from '../../domain/changes/identified-versions.ts';
import { isOfDeployRepository } from '../../domain/changes/version-identity.ts';
import { type Change, type ChangePatch, type NewChange } from '../../../schemas/changes/change.ts';
import { ChangeId } from '../../../schemas/config/names.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { StoredChange } from '../../../schemas/incidents/stored-records.ts';
import { canonicalJson, sha256 } from '../../stores/hash.ts';
import { addPinnedCommits } from './pins.ts';
import { changeMarks, type Key, keys, shardedLists } from '../../stores/keys.ts';
import { hasFields, pointedPage, shardedPage } from '../../stores/sharded.ts';
import { collect, type Table } from '../../stores/table.ts';
import {
  above,
  absent,
  anyOf,
  atMost,
  type Condition,
  equals,
  type Item,
  missing,
  present,
  put,
  remove,
  revisionIs,
  update,
  type Write,
} from '../../../platforms/store.ts';

const TRIES = 20;

/** Number of changes to look back when searching for the version that runs again. */
const CHANGES_READ = 50;

/** Stores deployments and all other changes to production. */
export class ChangeTable implements Changes {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #changed: Projections['changed'];

  /** @param changed wakes the projectors of a change after each write */
  constructor(table: Table, clock: Clock, changed: Projections['changed'] = async () => undefined) {
    this.#table = table;
    this.#clock = clock;
    this.#changed = changed;
  }

  async record(
    input: NewChange,
    { made_for, ...own }: Parameters<Changes['record']>[1] = {},
  ): Promise<{ change: Change; created: boolean }> {
    const change = { ...newChange(input, this.#clock.now(), made_for ?? null), ...own };
    const result = await this.#table.transact(changeWrites(change, { onlyNew: true, onlyNewId: true }));
    const recorded = result.ok ? change : await this.get(change.id);
    if (recorded === undefined) throw new Error(`cannot record or read deployment ${change.id}`);
    // Repeated on purpose: the process that recorded the change may have died before these writes.
    const first = await this.#identified(recorded);
    await this.#live(first);
    await this.#changed(`change:${first.id}`);
    return { change: first, created: result.ok };
  }

  patch(id: ChangeId, patch: ChangePatch): Promise<Change | 'ended' | undefined> {
    return this.#rewrite(id, (change) => patchedChange(change, patch, this.#clock.now()));
  }

  async revise(id: ChangeId, revise: (change: Change) => Change): Promise<Change | undefined> {
    return (await this.#rewrite(id, (change) => revise(change))) as Change | undefined;
  }

  /** Reads a change, and writes what `next` makes of it, at the place of its start. */
  async #rewrite(id: ChangeId, next: (change: Change) => Change | 'ended'): Promise<Change | 'ended' | undefined> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const item = await this.#item(id);
      if (item === undefined) return undefined;
      const before = StoredChange.parse(item);
      const change = next(before);
      if (change === 'ended') return 'ended';
      const condition = sameRevision(item);
      const isMoved = change.started_at !== before.started_at;
      const result = await this.#table.transact([
        ...rewriteWrites(item, change, isMoved ? absent : condition),
        ...(isMoved ? await this.#moved(before, change, condition) : []),
        ...(dayOf(before) === dayOf(change) ? [] : changeMarkWrites(before)),
      ]);
      if (!result.ok) continue;
      const isSame =
        change.commit === before.commit &&
        change.artifact?.id === before.artifact?.id &&
        isOfDeployRepository(change) === isOfDeployRepository(before) &&
        reportedName(change) === reportedName(before);
      const named = isSame ? change : await this.#identified(change);
      await this.#live(named);
      await this.#changed(`change:${id}`);
      return named;
    }
    throw new Error(`deployment ${id} changed during all ${TRIES} attempts; try again`);
  }

  /**
   * Writes the versions by which this change, and the others whose versions have the same name, are compared and shown.
   *
   * @param change as it is stored
   */
  async #identified(change: Change): Promise<Change> {
    if (!putsVersionLive(change)) return change;
    const newest = await newestChanges(this.#table, change, { limit: CHANGES_READ });
    await addPinnedCommits(this.#table, change, newest);
    const live = newest.filter((other) => other.id !== change.id && putsVersionLive(other));
    const alike = withOneName(live, change);
    const before = [...alike, change];
    const after = withIdentities(before, { stays: false });
    for (const [index, { id, version, reported_version }] of after.entries())
      if (version !== before[index]?.version)
        await this.#rewrite(id, (now) =>
          now.version === before[index]?.version ? { ...now, version, reported_version } : now,
        );
    return after.at(-1) ?? change;
  }

  /** Returns the writes that follow a record whose start was corrected, because its key contains the start. */
  async #moved(before: Change, change: Change, condition: Condition): Promise<Write[]> {
    const { id, service } = change;
    const key = keys.change(change, change.started_at, id);
    const failsNow = change.status === 'failed' && before.status !== 'failed';
    const failure = failsNow ? undefined : await this.#table.get(keys.failure(id));
    return [
      remove(keys.change(before, before.started_at, id), condition),
      remove(keys.changeOf(service, before.started_at, id)),
      ...pointerWrites(change, key),
      ...(failure ? [put({ ...failure, at_pk: key.pk, at_sk: key.sk })] : []),
    ];
  }

  async get(id: ChangeId): Promise<Change | undefined> {
    const item = await this.#item(id);
    return item && StoredChange.parse(item);
  }

  async nameAnnotation(annotation: number, id: ChangeId): Promise<void> {
    await this.#table.transact([put({ ...keys.annotation(annotation), change: id })]);
  }

  async ofAnnotation(annotation: number): Promise<Change | undefined> {
    const pointer = await this.#table.get(keys.annotation(annotation));
    return pointer && this.get(ChangeId.parse(pointer['change']));
  }

  async #item(id: ChangeId): Promise<Item | undefined> {
    const key = await keyOfChange(this.#table, id);
    return key && this.#table.get(key);
  }

  async list({ service, environment, kind, status, ...query }: Parameters<Changes['list']>[0]): Promise<Page<Change>> {
    const isWanted = hasFields({ environment, kind, status });
    const page =
      service === undefined
        ? await shardedPage(this.#table, shardedLists.changes, query, isWanted)
        : environment === undefined
          ? await pointedPage(
              this.#table,
              { list: shardedLists.changes, pk: keys.changesOf(service).pk, to: keyPointedTo },
              query,
              isWanted,
            )
          : await this.#table.page({ pk: keys.changes({ service, environment }).pk }, query, isWanted);
    return { ...page, items: page.items.map((item) => StoredChange.parse(item)) };
  }

  recent(serviceEnvironment: ServiceEnvironment, limit: number): Promise<Change[]> {
    return recentChanges(this.#table, this.#clock.now(), serviceEnvironment, limit);
  }

  async live(): Promise<Change[]> {
    const changes: Change[] = [];
    for await (const item of this.#table.each('LIVE')) {
      const change = StoredChange.parse(item['change']);
      const running = startsTooFarAhead(change, this.#clock.now()) ? await this.#newestLive(change) : change;
      if (running !== undefined) changes.push(running);
    }
    return changes;
  }

  /** Returns the newest succeeded change of a service and environment, except the given one. */
  async #newestLive(except: Change): Promise<Change | undefined> {
    const changes = await this.recent(except, CHANGES_READ);
    return changes.findLast(
      (change) => putsVersionLive(change) && change.status === 'succeeded' && change.id !== except.id,
    );
  }

  async inProgress(): Promise<{ change: Change; overdueAt: Timestamp | null }[]> {
    return (await this.#pointedTo(keys.changesInProgress())).map(({ row, change }) => ({
      change,
      overdueAt: overdueIn(row),
    }));
  }

  async failures(): Promise<{ change: Change; failedAt: Timestamp }[]> {
    const found = await this.#pointedTo(keys.failures());
    return found.map(({ row, change }) => ({ change, failedAt: Timestamp.parse(row['failed_at']) }));
  }

  async endFailure(id: ChangeId): Promise<void> {
    await this.#table.transact([remove(keys.failure(id))]);
  }

  /** Reads the records to which the rows of a partition point. */
  async #pointedTo({ pk }: Pick<Key, 'pk'>): Promise<{ row: Item; change: Change }[]> {
    const rows = await collect(this.#table.each(pk), (item) => item);
    const items = await this.#table.getAll(rows.map(keyPointedTo));
    return rows.flatMap((row, n) => (items[n] === undefined ? [] : [{ row, change: StoredChange.parse(items[n]) }]));
  }

  async setOverdue(id: ChangeId, at: Timestamp): Promise<void> {
    await this.#table.transact([update(keys.changeInProgress(id), { set: { overdue_at: at } }, present)]);
  }

  async forgetInProgress(id: ChangeId): Promise<void> {
    await this.#table.transact([remove(keys.changeInProgress(id))]);
  }

  async overdueAt(id: ChangeId): Promise<Timestamp | null> {
    return overdueIn(await this.#table.get(keys.changeInProgress(id)));
  }

  /**
   * Keeps a pointer to the newest succeeded change of a service and environment; a late record of an older change does
   * not move it.
   */
  async #live(change: Change): Promise<void> {
    if (!putsVersionLive(change)) return;
    const now = this.#clock.now();
    if (change.status === 'succeeded' && startsTooFarAhead(change, now)) return;
    if (change.status === 'succeeded') await this.#table.transact([liveWrite(change, now)]);
    else await this.#replaceLive(change);
  }

  /** Handles a change that was reported as succeeded and then as not: the previous version runs again. */
  async #replaceLive(change: Change): Promise<void> {
    const row = await this.#table.get(keys.live(change));
    if (row === undefined || StoredChange.parse(row['change']).id !== change.id) return;
    const before = await this.#newestLive(change);
    const unchanged = equals('since', row['since']);
    await this.#table.transact([
      before === undefined
        ? remove(keys.live(change), unchanged)
        : put({ ...keys.live(change), change: before, since: endOf(before) }, unchanged),
    ]);
  }
}

/** Returns the newest changes, oldest first, without those whose start is too far in the future. */
export async function recentChanges(
  table: Table,
  now: Timestamp,
  serviceEnvironment: ServiceEnvironment,
  limit: number,
): Promise<Change[]> {
  const until = `${latestPlausibleStart(now)}#\uffff`;
  // Records of earlier releases have only the reported names.
  return withIdentities(await newestChanges(table, serviceEnvironment, { until, limit }), { stays: true });
}

/** Returns the newest changes of a service and environment as they are stored, oldest first. */
async function newestChanges(
  table: Table,
  serviceEnvironment: ServiceEnvironment,
  range: { until?: string; limit: number },
): Promise<Change[]> {
  const newest = table.each(keys.changes(serviceEnvironment).pk, { newestFirst: true, ...range });
  return (await collect(newest, (item) => StoredChange.parse(item))).toReversed();
}

/**
 * Creates a record from the input, with defaults. The start defaults to now. The end of a finished change defaults to
 * its start: for a record made hours later, "now" would make an old deployment the suspect of a new problem.
 */
export function newChange(
  input: Omit<NewChange, 'kind' | 'status'> & Partial<Pick<NewChange, 'kind' | 'status'>>,
  now: Timestamp,
  madeFor: string | null,
): Change {
  const { service, environment, version, kind = 'deploy', status = 'succeeded' } = input;
  const reported = input.started_at ?? input.finished_at ?? now;
  const started_at = notAhead(reported, now);
  const finished_at = input.finished_at == null ? null : notAhead(input.finished_at, now);
  // With the start as it was reported, so that a repeat is the same change.
  const identity = { service, environment, version, kind, started_at: reported };
  return {
    ...identity,
    started_at,
    id: `chg_${sha256(canonicalJson(identity)).slice(0, 26)}` as ChangeId,
    status,
    commit: input.commit ?? null,
    committed_at: input.committed_at ?? null,
    commits: input.commits ?? [],
    finished_at: status === 'started' ? finished_at : (finished_at ?? started_at),
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

/** Returns the key of the record with this id, or undefined if there is none. */
export async function keyOfChange(table: Table, id: ChangeId): Promise<Key | undefined> {
  const pointer = await table.get(keys.changeById(id));
  return pointer && keyPointedTo(pointer);
}

/** Returns the key of the record to which a row points. */
export const keyPointedTo = (row: Item): Key => ({ pk: String(row['at_pk']), sk: String(row['at_sk']) });

/**
 * Writes the record and its pointers.
 *
 * @param onlyNew only if there is no record with this ID and start
 * @param onlyNewId only if there is no record with this ID, even one whose start was corrected
 */
export function changeWrites(
  change: Change,
  { onlyNew = false, onlyNewId = false }: { onlyNew?: boolean; onlyNewId?: boolean } = {},
): Write[] {
  const key = keys.change(change, change.started_at, change.id);
  return [
    put({ ...changeItem(change, key), rev: 0 }, onlyNew ? absent : undefined),
    ...pointerWrites(change, key, onlyNewId ? absent : undefined),
    ...(change.status === 'started' ? inProgressWrites(change, key) : []),
    ...failureWrites(change, key),
    ...changeMarkWrites(change),
    ...(onlyNew || change.status !== 'succeeded' || !putsVersionLive(change)
      ? []
      : [put({ ...keys.live(change), change, since: endOf(change) })]),
  ];
}

/** Writes a record again. @param item as it was read */
export function rewriteWrites(item: Item, change: Change, condition: Condition): Write[] {
  const key = keys.change(change, change.started_at, change.id);
  return [
    // Keep fields that a newer version has written.
    put({ ...item, ...changeItem(change, key), rev: revOf(item) + 1 }, condition),
    ...inProgressWrites(change, key),
    ...(item['status'] === 'failed' ? [] : failureWrites(change, key)), // the failure can be over
    ...changeMarkWrites(change),
  ];
}

/** Writes a record again that becomes the running version, if it has not changed since it was read. */
export const liveAgainWrites = (item: Item, change: Change): Write[] => [
  ...rewriteWrites(item, change, sameRevision(item)),
  put({ ...keys.live(change), change, since: endOf(change) }),
];

const revOf = (item: Item): number => Number(item['rev'] ?? 0);

const sameRevision = (item: Item): Condition =>
  item['rev'] === undefined ? anyOf(missing('rev'), revisionIs(0)) : revisionIs(revOf(item));

/** Writes the pointers by which a record is found: by its ID, and among the changes of its service. */
const pointerWrites = ({ id, service, started_at }: Change, key: Key, byId?: Condition): Write[] => [
  put({ ...keys.changeById(id), at_pk: key.pk, at_sk: key.sk }, byId),
  put({ ...keys.changeOf(service, started_at, id), at_pk: key.pk, at_sk: key.sk }),
];

/** Marks for features that a change was written. The marks are new with each write. */
export const changeMarkWrites = ({
  id,
  service,
  environment,
  started_at,
}: Pick<Change, 'id' | 'service' | 'environment' | 'started_at'>): Write[] =>
  changeMarks({ id, service, environment, started_at }).map((key) =>
    put({ ...key, service, environment, mark: randomUUID() }),
  );

const dayOf = ({ started_at }: Change): string => started_at.slice(0, 10);

const overdueIn = (row: Item | undefined): Timestamp | null =>
  row?.['overdue_at'] === undefined ? null : Timestamp.parse(row['overdue_at']);

/** Lists a change as running from its start until its end is reported. */
const inProgressWrites = ({ id, status }: Change, { pk, sk }: Key): Write[] =>
  status === 'started'
    ? [update(keys.changeInProgress(id), { set: { at_pk: pk, at_sk: sk } })]
    : [remove(keys.changeInProgress(id))];

/** Lists a failed change as an active failure until it is reported as over, with the end that was reported first. */
const failureWrites = (change: Change, { pk, sk }: Key): Write[] =>
  change.status === 'failed'
    ? [update(keys.failure(change.id), { set: { at_pk: pk, at_sk: sk }, setIfMissing: { failed_at: endOf(change) } })]
    : [];

const changeItem = (change: Change, key: Key): Item => ({
  ...key,
  ...change,
  ...shardedLists.changes.attributes(change.id, `${change.started_at}#${change.id}`),
});

/** A change reported with a start in the future gives way to any other. */
const liveWrite = (change: Change, now: Timestamp): Write =>
  put(
    { ...keys.live(change), change, since: endOf(change) },
    anyOf(
      absent,
      atMost('since', endOf(change)),
      above('since', latestPlausibleStart(now)),
      equals(['change', 'id'], change.id),
    ),
  );
