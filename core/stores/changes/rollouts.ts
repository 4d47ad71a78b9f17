import {
  type CommitKey,
  type HistoryKey,
  type RolloutKey,
  type Rollouts,
  UNMAPPED_MAX,
} from '../../domain/ports/changes.ts';
import type { Clock } from '../../domain/ports/system.ts';
import { ObjectHistory, RolloutRecord } from '../../../schemas/changes/change-report.ts';
import { keys } from '../../stores/keys.ts';
import { expiresAfter, RETENTION_DAYS } from '../../stores/retention.ts';
import { keyPointedTo } from './changes.ts';
import { collect, type Table } from '../../stores/table.ts';
import { absent, put, remove, revisionIs } from '../../../platforms/store.ts';

/** Stores what other systems report of rollouts. */
export class RolloutTable implements Rollouts {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async get(of: RolloutKey): Promise<RolloutRecord | undefined> {
    const item = await this.#table.get(keys.rollout(of));
    return item && RolloutRecord.parse(item['record']);
  }

  async put(record: RolloutRecord): Promise<boolean> {
    const { rollout, rev, received_at, unmapped_in } = record;
    const before = rev === 1 ? undefined : await this.get(rollout);
    const key = keys.rollout(rollout);
    const expires = expiresAfter(received_at, RETENTION_DAYS.rollout);
    const isListed = before !== undefined && before.unmapped_in !== null;
    const isMoved = isListed && before.received_at !== received_at;
    const result = await this.#table.transact([
      put({ ...key, record, rev, ...expires }, rev === 1 ? absent : revisionIs(rev - 1)),
      ...(isListed && (isMoved || unmapped_in === null)
        ? [remove(keys.unmappedRollout(rollout, before.received_at))]
        : []),
      ...(unmapped_in === null
        ? []
        : [
            put({
              ...keys.unmappedRollout(rollout, received_at),
              at_pk: key.pk,
              at_sk: key.sk,
              ...expires,
            }),
          ]),
    ]);
    if (result.ok && unmapped_in !== null && !isListed) await this.#dropOldest();
    return result.ok;
  }

  async unmapped(): Promise<RolloutRecord[]> {
    const { pk } = keys.unmappedRollouts();
    const rows = await collect(this.#table.each(pk, { newestFirst: true, limit: UNMAPPED_MAX }), keyPointedTo);
    const items = await this.#table.getAll(rows.toReversed());
    return items
      .flatMap((item) => (item === undefined ? [] : [RolloutRecord.parse(item['record'])]))
      .filter(({ unmapped_in }) => unmapped_in !== null);
  }

  async await(of: RolloutKey, commit: CommitKey): Promise<void> {
    const expires = expiresAfter(this.#clock.now(), RETENTION_DAYS.awaitedCommit);
    const { source, key } = of;
    await this.#table.transact([
      put({
        ...keys.awaitedCommit(of, commit),
        rollout: { source, key },
        commit: commit.commit,
        ...expires,
      }),
    ]);
  }

  async awaiting(repository: string, commits: ReadonlySet<string>): Promise<RolloutKey[]> {
    const { pk } = keys.awaitedCommits(repository);
    const rows = await collect(this.#table.each(pk), (item) => item);
    return rows
      .filter(({ commit }) => commits.has(String(commit)))
      .map(({ rollout }) => RolloutRecord.shape.rollout.pick({ source: true, key: true }).parse(rollout));
  }

  async history(of: HistoryKey): Promise<ObjectHistory | undefined> {
    const item = await this.#table.get(keys.objectHistory(of));
    return item && ObjectHistory.parse(item['history']);
  }

  async putHistory(history: ObjectHistory): Promise<boolean> {
    const { rev, marks } = history;
    const newest = marks.at(-1)?.report.at;
    const result = await this.#table.transact([
      put(
        {
          ...keys.objectHistory(history),
          history,
          rev,
          ...(newest === undefined ? {} : expiresAfter(newest, RETENTION_DAYS.rollout)),
        },
        rev === 1 ? absent : revisionIs(rev - 1),
      ),
    ]);
    return result.ok;
  }

  /** Keeps the list short: a sender that nobody maps would otherwise fill it. */
  async #dropOldest(): Promise<void> {
    const { pk } = keys.unmappedRollouts();
    const rows = await collect(this.#table.each(pk), ({ pk: of, sk }) => ({ pk: String(of), sk: String(sk) }));
    for (const row of rows.slice(0, Math.max(0, rows.length - UNMAPPED_MAX))) await this.#table.transact([remove(row)]);
  }
}
